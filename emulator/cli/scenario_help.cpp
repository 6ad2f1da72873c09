#include "emulator/cli/scenario_help.h"

#include "emulator/cli/presets.h"

namespace smmu::cli {

std::string scenario_help() {
  return "A line is {\"name\": ..., \"ops\": [...], \"end\": {...}}, with RAM from 0x40000000 to\n"
         "0x47ffffff.  \"preset\" says which SMMU it has, " +
         std::string(kDefaultPreset) +
         " if nothing else, and \"idr\" gives\n"
         "identification registers of it other values:\n  " +
         preset_names() +
         "\n"
         "The ops are, with numbers or strings that hold them:\n"
         "  [\"m\", address, value]             64 bits of memory are written\n"
         "  [\"w\", offset, bytes, value]       a register is written\n"
         "  [\"r\", offset, bytes, value]       it is read, and should give the value\n"
         "  [\"a\", sid, iova, write, {\"result\": ok, fault, abort, bypass or disabled, \"pa\": "
         "...}]\n"
         "                                    a device makes an access; of an SMMUv3 with "
         "\"event\",\n"
         "                                    its record, and \"ack\", whether that is taken out\n"
         "Of an SMMUv2 (" +
         preset_names_v2() +
         "):\n"
         "  \"idr\" has IDR0, 1, 2, 4, 7, and SCR1 as it is after reset\n"
         "  [\"sw\", ...], [\"sr\", ...]          the same as w and r, by a Secure access\n"
         "  \"fault\" is terminated either way, \"abort\" with a bus error, \"razwi\" without\n"
         "  [\"a\", ..., {...}, {\"privileged\": 1, \"instruction\": 1, \"secure\": 1, \"ns\": 1, "
         "\"ssd\": N}]\n"
         "  \"end\" may be missing, and is {register: value}, by offset (\"0x48\") or by name "
         "(\"sGFSR\",\n"
         "  \"SMR0\", \"S2CR0\", \"CBAR3\", \"CBA2R3\", \"CBFRSYNRA3\", \"CB3.FSR\"); after "
         "\"secure:\" as a\n"
         "  Secure access reads it\n"
         "  deviations are not looked at: every op is judged by what the line says\n"
         "Exit status: 0 if everything agrees, 1 if something does not, 2 on bad usage or input.";
}

}  // namespace smmu::cli
