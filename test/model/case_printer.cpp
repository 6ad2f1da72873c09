// Cases and results in words.
#include <array>
#include <ostream>
#include <string>

#include "test/model/generator.h"

namespace smmu::model {
namespace {

// A number in hexadecimal, whatever the stream's state.
struct Hex {
  std::uint64_t value;
};

std::ostream& operator<<(std::ostream& out, Hex hex) {
  std::string digits;
  std::uint64_t rest = hex.value;
  do {
    digits.insert(digits.begin(), "0123456789abcdef"[rest & 0xf]);
    rest >>= 4;
  } while (rest != 0);
  return out << "0x" << digits;
}

void print_permissions(std::ostream& out, unsigned permissions) {
  const char* const letters = "rwxRWX";
  for (unsigned index = 0; index < 6; ++index) {
    out << ((permissions >> index & 1) != 0 ? letters[index] : '-');
  }
}

void print(std::ostream& out, const Stage1& s) {
  constexpr std::array kFormats = {"VMSAv8-64", "VMSAv8-32 Long", "VMSAv8-32 Short"};
  constexpr std::array kWorlds = {"EL1&0", "EL2", "EL2&0", "EL3"};
  out << "  stage 1: " << kFormats[static_cast<unsigned>(s.format)] << ", "
      << kWorlds[static_cast<unsigned>(s.world)] << ", ENDI " << s.big_endian << ", TTB0 "
      << Hex{s.ttb0} << ", TTB1 " << Hex{s.ttb1} << ", EPD " << s.epd0 << s.epd1 << ", AFFD "
      << s.affd << ", WXN " << s.wxn << ", PAN " << s.pan << ", HA " << s.ha << ", HD " << s.hd
      << "\n          ";
  if (s.format == Stage1Format::kVmsa8_32Short) {
    out << " N " << s.n << ", AFE " << s.afe << ", TRE " << s.tre << ", PRRR " << Hex{s.prrr}
        << ", NMRR " << Hex{s.nmrr} << ", UWXN " << s.uwxn;
    if (s.check_domains) out << ", DACR " << Hex{s.dacr};
  } else {
    out << " T0SZ " << s.t0sz << ", T1SZ " << s.t1sz << ", TG0 " << s.tg0 << ", TG1 " << s.tg1
        << ", IPS " << s.ips << ", DS " << s.ds << ", SH0 " << s.sh0 << ", SH1 " << s.sh1
        << ", TBI " << s.tbi0 << s.tbi1 << ", HAD " << s.had0 << s.had1 << ", E0PD " << s.e0pd0
        << s.e0pd1 << ", EPAN " << s.epan << ", UWXN " << s.uwxn << ", MAIR " << Hex{s.mair};
  }
  out << "\n";
}

void print(std::ostream& out, const Stage2& s) {
  out << "  stage 2: " << (s.format == Stage2Format::kVmsa8_64 ? "VMSAv8-64" : "VMSAv8-32 Long")
      << ", S2ENDI " << s.big_endian << ", S2TTB " << Hex{s.ttb} << ", S2T0SZ " << s.t0sz
      << ", S2SL0 " << s.sl0 << ", S2SL0_2 " << s.sl2 << ", S2TG " << s.tg << ", S2PS " << s.ps
      << ", S2DS " << s.ds << ", S2SH0 " << s.sh0 << ", S2AFFD " << s.affd << ", S2PTW " << s.ptw
      << ", S2HA " << s.ha << ", S2HD " << s.hd << ", S2FWB " << s.fwb << "\n";
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Case& test) {
  const Implementation& implementation = test.regime.implementation;
  const Access& access = test.access;
  out << "case " << Hex{test.seed} << ": OAS " << implementation.oas << ", AArch32 "
      << implementation.aarch32 << ", XNX " << implementation.xnx << "\n";
  if (test.regime.stage1) print(out, *test.regime.stage1);
  if (test.regime.stage2) print(out, *test.regime.stage2);
  out << "  access: " << Hex{access.address} << (access.write ? " write" : " read")
      << (access.instruction ? " instruction" : " data")
      << (access.privileged ? " privileged" : " unprivileged") << ", type " << Hex{access.type}
      << ", SH " << static_cast<unsigned>(access.shareability) << "\n";
  for (const Word& word : test.words) {
    out << "  [" << Hex{word.address} << "] = " << Hex{word.value}
        << (word.update_aborts ? ", an update aborts" : "") << "\n";
  }
  return out;
}

std::ostream& operator<<(std::ostream& out, const Translation& translation) {
  out << "PA " << Hex{translation.pa} << ", size " << Hex{translation.size} << ", ";
  print_permissions(out, translation.permissions);
  return out << ", type " << Hex{translation.type} << ", SH "
             << static_cast<unsigned>(translation.shareability)
             << (translation.global ? ", global" : ", non-global") << ", level "
             << translation.level << ", stage 2 level " << translation.stage2_level;
}

std::ostream& operator<<(std::ostream& out, const Fault& fault) {
  constexpr std::array kTypes = {"Translation fault", "Address size fault", "Access flag fault",
                                 "Permission fault",  "External abort",     "Domain fault"};
  return out << kTypes[static_cast<unsigned>(fault.type)] << ", stage " << fault.stage << ", level "
             << fault.level << (fault.in == FaultClass::kTable ? ", TT" : ", IN") << ", IPA "
             << Hex{fault.ipa} << ", fetch " << Hex{fault.fetch}
             << (fault.table_write ? ", of a descriptor update" : "");
}

}  // namespace smmu::model
