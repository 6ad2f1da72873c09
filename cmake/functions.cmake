# What the folders' CMakeLists.txt are written with.  A folder is a target; its sources are whatever
# *.cpp lies in it, so adding a file changes nothing here.

# smmu_add_library(HALF [BELOW folder...]) makes the folder that calls it a library of HALF, which is
# "emulator" or "lib".  BELOW names the folders of the same half whose headers it may include, and
# brings in what those may.  Two targets come of it:
#
#   smmu_<half>_<folder>          keeps its asserts: for the tests, the tool, the examples
#   smmu_<half>_<folder>_ndebug   objects without asserts: for the archive that is installed, which
#                                 may end up in a shared library, and benchmarked
#
# A folder with no sources makes INTERFACE targets, so that those above can link it all the same.
#
#   TOOL      the folder of a program: exceptions and RTTI on, which its libraries need; no _ndebug
#   EXTERNAL  targets of other projects
#   EXCEPT    sources that belong to another target
#   ALONE     sources that a unity build compiles by themselves: others of the folder have local names
#             that theirs have too
function(smmu_add_library half)
  cmake_parse_arguments(PARSE_ARGV 1 arg TOOL "" "BELOW;EXTERNAL;EXCEPT;ALONE")
  cmake_path(GET CMAKE_CURRENT_SOURCE_DIR FILENAME folder)

  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  list(TRANSFORM arg_EXCEPT PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  list(REMOVE_ITEM sources ${arg_EXCEPT})
  set_source_files_properties(${arg_ALONE} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)

  foreach(suffix "" _ndebug)
    if(suffix AND arg_TOOL)
      continue()
    endif()
    set(target smmu_${half}_${folder}${suffix})
    if(NOT sources)
      set(scope INTERFACE)
      add_library(${target} INTERFACE)
    else()
      set(scope PUBLIC)
      if(suffix)
        add_library(${target} OBJECT EXCLUDE_FROM_ALL ${sources})
        # Source by source, even in a unity build: what is inlined must not depend on the neighbours.
        set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON UNITY_BUILD OFF)
        set_property(GLOBAL APPEND PROPERTY SMMU_${half}_OBJECTS $<TARGET_OBJECTS:${target}>)
      else()
        add_library(${target} STATIC ${sources})
      endif()
      set(options "")
      if(NOT arg_TOOL)
        list(APPEND options -fno-exceptions -fno-rtti)
      endif()
      if(suffix)
        list(APPEND options -DNDEBUG)
      endif()
      target_compile_options(${target} PRIVATE ${options})
    endif()
    # Private headers are named from the root of the repository: "emulator/walk/walker.h".
    target_include_directories(${target} ${scope} ${PROJECT_SOURCE_DIR})
    if(sources AND SMMU_PRECOMPILE_LIBRARIES)
      if(arg_TOOL)
        set(precompiled smmu_precompiled_tool)
      else()
        set(precompiled smmu_precompiled${suffix})
      endif()
      smmu_precompile(${precompiled} ${options})
      target_precompile_headers(${target} REUSE_FROM ${precompiled})
    endif()
    list(TRANSFORM arg_BELOW REPLACE "(.+)" "smmu_${half}_\\1${suffix}" OUTPUT_VARIABLE below)
    target_link_libraries(${target} ${scope} ${below} smmu_platform fmt::fmt Threads::Threads
                                             ${arg_EXTERNAL})
  endforeach()

  list(TRANSFORM arg_BELOW PREPEND ${half}/)
  list(JOIN arg_BELOW " " below)
  set_property(GLOBAL APPEND PROPERTY SMMU_LINKS "${half}/${folder}: ${below}")
endfunction()

# smmu_precompile(TARGET [option...]): what a library may reuse that is compiled with these options.
# Parsing fmt and the standard library is a good part of the time that a short source takes.
function(smmu_precompile target)
  if(NOT TARGET ${target})
    file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/${target}.cpp CONTENT "")
    add_library(${target} OBJECT EXCLUDE_FROM_ALL ${PROJECT_BINARY_DIR}/${target}.cpp)
    target_compile_options(${target} PRIVATE ${ARGN})
    if(target MATCHES "_ndebug$")
      set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    endif()
    target_link_libraries(${target} PRIVATE fmt::fmt Threads::Threads)
    target_precompile_headers(${target} PRIVATE
      <fmt/format.h> <algorithm> <array> <atomic> <cstdint> <map> <memory> <mutex> <optional> <span>
      <string> <vector>)
  endif()
endfunction()

# Writes a line per library folder, "emulator/tbu: emulator/tcu", for test/layering to hold against
# its table: what a folder links and what it may include are one list.
function(smmu_write_links file)
  get_property(lines GLOBAL PROPERTY SMMU_LINKS)
  list(JOIN lines "\n" text)
  file(WRITE ${file} "${text}\n")
endfunction()

# smmu_add_test([target...] [EXCEPT source...]) makes the *.cpp of the folder that calls it one
# program, test_<folder>, and each of its test cases a ctest entry, <folder>/Suite.Name, labelled
# <folder>; with SMMU_TEST_SHARDS the entries are <folder>/1 and so on, of many test cases each.
# Links GoogleTest, the code of test/support and the targets named.  With
# SMMU_TEST_ONLY_THREADS the tests (..._test.cpp) that start no thread are left out, and a program
# of which no test remains.
function(smmu_add_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "" "EXCEPT")
  cmake_path(GET CMAKE_CURRENT_SOURCE_DIR FILENAME folder)
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  list(TRANSFORM arg_EXCEPT PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  list(REMOVE_ITEM sources ${arg_EXCEPT})
  if(SMMU_TEST_ONLY_THREADS)
    set(tests ${sources})
    list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
    set(left FALSE)
    foreach(source IN LISTS tests)
      file(STRINGS ${source} threads REGEX "std::(j?thread|async)" LIMIT_COUNT 1)
      if(threads)
        set(left TRUE)
      else()
        list(REMOVE_ITEM sources ${source})
      endif()
    endforeach()
    if(NOT left)
      return()
    endif()
  endif()
  if(NOT sources)
    return()
  endif()
  set(target test_${folder})
  add_executable(${target} ${sources})
  target_link_libraries(${target} PRIVATE smmu_test_options smmu_testing_sources
                                          ${arg_UNPARSED_ARGUMENTS})
  if(SMMU_PRECOMPILE)
    target_precompile_headers(${target} REUSE_FROM smmu_test_precompiled)
  endif()
  if(SMMU_TEST_SHARDS)
    foreach(shard RANGE 1 ${SMMU_TEST_SHARDS})
      math(EXPR index "${shard} - 1")
      add_test(NAME ${folder}/${shard} COMMAND ${target} --gtest_brief=1)
      set_tests_properties(${folder}/${shard} PROPERTIES LABELS ${folder} TIMEOUT 1800 ENVIRONMENT
                           "GTEST_TOTAL_SHARDS=${SMMU_TEST_SHARDS};GTEST_SHARD_INDEX=${index}")
    endforeach()
  else()
    gtest_discover_tests(${target} TEST_PREFIX ${folder}/ DISCOVERY_MODE PRE_TEST
                         DISCOVERY_TIMEOUT 60 PROPERTIES LABELS ${folder} TIMEOUT 600)
  endif()
endfunction()

# smmu_add_half(HALF NAME folder... [ABSENT header...]) makes of a half's folders what users link,
# smmu::NAME:
#
#   smmu_<name>          its libraries, with asserts, for whoever is in this build
#   smmu_<name>_ndebug   one archive without, for users and for the benchmarks; the public headers in
#                        include/smmu/NAME go with it, but for those that are absent
function(smmu_add_half half name)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "ABSENT")
  list(TRANSFORM arg_UNPARSED_ARGUMENTS PREPEND smmu_${half}_ OUTPUT_VARIABLE folders)
  add_library(smmu_${name} INTERFACE)
  target_link_libraries(smmu_${name} INTERFACE ${folders})

  get_property(objects GLOBAL PROPERTY SMMU_${half}_OBJECTS)
  file(GLOB headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/smmu/${name}/*.h)
  foreach(absent IN LISTS arg_ABSENT)
    list(REMOVE_ITEM headers ${PROJECT_SOURCE_DIR}/include/smmu/${name}/${absent}.h)
  endforeach()
  add_library(smmu_${name}_ndebug STATIC EXCLUDE_FROM_ALL ${objects})
  target_link_libraries(smmu_${name}_ndebug PUBLIC smmu_platform fmt::fmt Threads::Threads)
  target_sources(smmu_${name}_ndebug PUBLIC
                 FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/include FILES ${headers})
  set_target_properties(smmu_${name}_ndebug PROPERTIES
                        LINKER_LANGUAGE CXX EXPORT_NAME ${name} OUTPUT_NAME smmu_${name})
  smmu_add_alias(${name})
endfunction()

# smmu_add_alias(NAME): what smmu::NAME means.  In this repository the checked build; to a project
# that embeds it, what an installed smmu::NAME would be.
function(smmu_add_alias name)
  if(PROJECT_IS_TOP_LEVEL)
    add_library(smmu::${name} ALIAS smmu_${name})
  else()
    add_library(smmu::${name} ALIAS smmu_${name}_ndebug)
  endif()
endfunction()
