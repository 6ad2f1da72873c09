# What find_package(smmu) and pkg-config find: the libraries without asserts, as a simulator wants
# them.  GoogleTest is asked of the user only by smmu::testing, which is therefore a set of its own.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/smmu)

install(TARGETS smmu_arch smmu_platform smmu_emulator_ndebug smmu_iommu_ndebug EXPORT smmu FILE_SET HEADERS)
set_target_properties(smmu_emulator_ndebug smmu_iommu_ndebug PROPERTIES EXCLUDE_FROM_ALL OFF)
install(EXPORT smmu NAMESPACE smmu:: DESTINATION ${package_dir} FILE smmu-targets.cmake)
if(TARGET smmu_testing_ndebug)
  install(TARGETS smmu_testing_ndebug EXPORT smmu_testing FILE_SET HEADERS)
  set_target_properties(smmu_testing_ndebug PROPERTIES EXCLUDE_FROM_ALL OFF)
  install(EXPORT smmu_testing NAMESPACE smmu:: DESTINATION ${package_dir}
          FILE smmu-testing-targets.cmake)
endif()
if(SMMU_BUILD_TOOL AND TARGET smmu)
  install(TARGETS smmu)
endif()

configure_package_config_file(cmake/smmu-config.cmake.in smmu-config.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(smmu-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/smmu-config.cmake
              ${PROJECT_BINARY_DIR}/smmu-config-version.cmake
        DESTINATION ${package_dir})

# Wherever the prefix ends up: the way back from the folder of smmu.pc.
file(RELATIVE_PATH to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/smmu.pc.in smmu.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/smmu.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
