// The tool, as a user starts it, on the committed captures: everything agrees.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

struct Ran {
  int status;
  std::string output;
};

Ran run(const std::string& arguments) {
  const std::string command = std::string(SMMU_TEST_TOOL) + " " + arguments + " 2>&1";
  Ran ran{-1, {}};
  std::FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return ran;
  char buffer[4096];
  while (std::size_t n = std::fread(buffer, 1, sizeof buffer, pipe)) ran.output.append(buffer, n);
  const int status = pclose(pipe);
  if (WIFEXITED(status)) ran.status = WEXITSTATUS(status);
  return ran;
}

const std::string kCaptures = std::string(SMMU_TEST_DATA) + "/captures/";

class Captures : public testing::TestWithParam<const char*> {};

TEST_P(Captures, AgreeOnEveryTranslationMappingFaultWalkAndRegister) {
  const Ran ran = run("replay --caching " + std::string(GetParam()) + " " + kCaptures +
                      "linux-6.1-strict " + kCaptures + "linux-6.1-vfio");
  EXPECT_EQ(ran.status, 0) << ran.output;
}

TEST_P(Captures, AgreeOnEveryScriptedOperation) {
  const Ran ran = run("scenario --caching " + std::string(GetParam()) + " " + kCaptures +
                      "scripted/scenarios.jsonl.gz");
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(ran.output.find("63 of 63 scenarios agree"), std::string::npos) << ran.output;
}

INSTANTIATE_TEST_SUITE_P(UnderPolicy, Captures, testing::Values("none", "realistic", "adversarial"),
                         [](const auto& policy) { return std::string(policy.param); });

TEST(Scenario, AgreesWithSpeculativePrefetchToo) {
  const Ran ran = run("scenario --prefetch on " + kCaptures + "scripted/scenarios.jsonl.gz");
  EXPECT_EQ(ran.status, 0) << ran.output;
}

TEST(Walk, ShowsEachDescriptorAndTheEventOfARefusedWrite) {
  const Ran ran = run("walk " + kCaptures + "linux-6.1-vfio --sid 0x40 --iova 0x400040 --write");
  EXPECT_EQ(ran.status, 0) << ran.output;
  for (const char* text :
       {"0x104d75000", "0x104d77000", "0x104d78010", "0x104d80000", "F_PERMISSION"}) {
    EXPECT_NE(ran.output.find(text), std::string::npos) << text << " in\n" << ran.output;
  }
}

TEST(BadInput, IsOneSentenceAndStatusTwo) {
  const Ran ran = run("replay " + kCaptures + "no-such-folder");
  EXPECT_EQ(ran.status, 2) << ran.output;
  EXPECT_EQ(std::count(ran.output.begin(), ran.output.end(), '\n'), 1) << ran.output;
}

}  // namespace
