#include "bench/study/document_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

namespace smmu::study {

namespace {

// In the order in which it is written.
using Json = nlohmann::ordered_json;

constexpr char kFormat[] = "smmu-study iova 1";

Json json_of(const Percentiles& times) {
  return {{"samples", times.samples},
          {"p50", times.p50},
          {"p99", times.p99},
          {"p99.9", times.p999},
          {"max", times.max}};
}

Json json_of(const Result& result) {
  const Measurement& measured = result.measurement;
  Json json = {{"workload", result.cell.workload},
               {"allocator", result.cell.allocator},
               {"n", result.cell.n}};
  if (!measured.not_measured.empty()) {
    json["not measured"] = measured.not_measured;
    return json;
  }
  json["operations"] = measured.operations;
  if (measured.counts) {
    json["counts"] = {{"instructions", measured.counts->instructions},
                      {"D1 misses", measured.counts->data_misses},
                      {"I1 misses", measured.counts->instruction_misses},
                      {"LL misses", measured.counts->last_level_misses}};
    return json;
  }
  json["live"] = measured.live;
  json["refusals"] = measured.refusals;
  if (measured.live_before_refusal) json["live before refusal"] = *measured.live_before_refusal;
  json["bytes per range"] = measured.bytes_per_range;
  json["visits"] = measured.visits;
  json["worst visits"] = measured.worst_visits;
  json["operation ns"] = measured.operation;
  json["allocate ns"] = json_of(measured.allocate);
  json["free ns"] = json_of(measured.free);
  json["longest ns"] = measured.longest;
  if (measured.held) json["held ns"] = json_of(*measured.held);
  if (measured.waited) json["waited ns"] = json_of(*measured.waited);
  if (measured.operations_per_second != 0) {
    json["operations per second"] = measured.operations_per_second;
  }
  return json;
}

// A value of a document and the way to it, so that whatever is wrong with it can be said.
class Value {
 public:
  Value(const Json& json, std::string path) : json_(json), path_(std::move(path)) {}

  std::optional<Value> find(const char* key) const {
    if (!json_.is_object()) reject("an object");
    const auto found = json_.find(key);
    if (found == json_.end()) return std::nullopt;
    return Value(*found, fmt::format("{}/{}", path_, key));
  }
  Value at(const char* key) const {
    const auto found = find(key);
    if (!found) reject(fmt::format("a member \"{}\"", key));
    return *found;
  }
  std::vector<Value> elements(std::size_t most) const {
    if (!json_.is_array() || json_.size() > most) {
      reject(fmt::format("an array of at most {}", most));
    }
    std::vector<Value> all;
    for (std::size_t i = 0; i != json_.size(); ++i) {
      all.emplace_back(json_[i], fmt::format("{}/{}", path_, i));
    }
    return all;
  }
  std::string text() const {
    if (!json_.is_string()) reject("a string");
    const auto text = json_.get<std::string>();
    // It is printed, and a terminal would obey.
    if (std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; })) {
      reject("a string that can be printed");
    }
    return text;
  }
  std::uint64_t number(std::uint64_t least = 0,
                       std::uint64_t most = std::numeric_limits<std::uint64_t>::max()) const {
    const bool fits = json_.is_number_unsigned() && json_.get<std::uint64_t>() >= least &&
                      json_.get<std::uint64_t>() <= most;
    if (!fits) reject(fmt::format("a whole number from {} to {}", least, most));
    return json_.get<std::uint64_t>();
  }
  std::uint32_t nanoseconds() const {
    return static_cast<std::uint32_t>(number(0, std::numeric_limits<std::uint32_t>::max()));
  }
  double real() const {
    if (!json_.is_number()) reject("a number");
    return json_.get<double>();
  }
  bool flag() const {
    if (!json_.is_boolean()) reject("true or false");
    return json_.get<bool>();
  }

  [[noreturn]] void reject(const std::string& expected) const {
    std::string found = json_.dump(-1, ' ', true);
    constexpr std::size_t kEnough = 60;
    if (found.size() > kEnough) found = found.substr(0, kEnough) + "...";
    throw BadDocument(
        fmt::format("expected {} at {}, found {}.", expected, path_.empty() ? "/" : path_, found));
  }

 private:
  const Json& json_;
  std::string path_;
};

// Names of a list, each at most once and in its order.
std::vector<std::string> names_of(const Value& value, const std::vector<std::string>& all) {
  std::vector<std::string> names;
  auto next = all.begin();
  for (const Value& element : value.elements(all.size())) {
    names.push_back(element.text());
    next = std::find(next, all.end(), names.back());
    if (next == all.end()) element.reject("a known name, each once and in the order of --help");
    ++next;
  }
  return names;
}

Selection selection_of(const Value& value) {
  Selection selection;
  selection.workloads = names_of(value.at("workloads"), workload_names());
  selection.allocators = names_of(value.at("allocators"), allocator_names());
  std::uint64_t least = 1;
  for (const Value& n : value.at("n").elements(kMostSizes)) {
    selection.n.push_back(n.number(least, kMostLive));
    least = selection.n.back() + 1;
  }
  constexpr std::uint64_t kMost = std::numeric_limits<unsigned>::max();
  selection.seed = value.at("seed").number();
  selection.operations = value.at("operations").number();
  selection.repetitions = static_cast<unsigned>(value.at("repetitions").number(1, kMost));
  selection.pairs = static_cast<unsigned>(value.at("pairs").number(1, kMost));
  selection.count = value.at("count").flag();
  return selection;
}

Percentiles percentiles_of(const Value& value) {
  return {value.at("samples").number(), value.at("p50").nanoseconds(),
          value.at("p99").nanoseconds(), value.at("p99.9").nanoseconds(),
          value.at("max").nanoseconds()};
}

Measurement measurement_of(const Value& value) {
  Measurement measured;
  if (const auto why = value.find("not measured")) {
    measured.not_measured = why->text();
    if (measured.not_measured.empty()) why->reject("a reason");
    return measured;
  }
  measured.operations = value.at("operations").number();
  if (const auto counts = value.find("counts")) {
    measured.counts = Counts{counts->at("instructions").real(), counts->at("D1 misses").real(),
                             counts->at("I1 misses").real(), counts->at("LL misses").real()};
    return measured;
  }
  measured.live = value.at("live").number();
  measured.refusals = value.at("refusals").number();
  if (const auto live = value.find("live before refusal")) {
    measured.live_before_refusal = live->number();
  }
  measured.bytes_per_range = value.at("bytes per range").real();
  measured.visits = value.at("visits").real();
  measured.worst_visits = value.at("worst visits").number();
  measured.operation = value.at("operation ns").real();
  measured.allocate = percentiles_of(value.at("allocate ns"));
  measured.free = percentiles_of(value.at("free ns"));
  measured.longest = value.at("longest ns").nanoseconds();
  if (const auto held = value.find("held ns")) measured.held = percentiles_of(*held);
  if (measured.held) measured.waited = percentiles_of(value.at("waited ns"));
  if (const auto rate = value.find("operations per second")) {
    measured.operations_per_second = rate->real();
  }
  return measured;
}

Json parsed(std::string_view text) {
  // What is written about a value goes down into it, and the stack is not endless.
  static constexpr int kDeepest = 8;
  const auto is_shallow = [](int depth, Json::parse_event_t, Json&) {
    if (depth > kDeepest) {
      throw BadDocument(fmt::format("expected JSON of at most {} levels, found more.", kDeepest));
    }
    return true;
  };
  try {
    return Json::parse(text, is_shallow);
  } catch (const Json::out_of_range&) {
    throw BadDocument("expected numbers that fit into 64 bits, found another.");
  } catch (const Json::parse_error& error) {
    const std::size_t at = std::min<std::size_t>(error.byte, text.size());
    throw BadDocument("expected JSON, found what is none.",
                      1 + static_cast<std::size_t>(std::count(
                              text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n')));
  }
}

}  // namespace

std::string json_of(const Document& document) {
  const Selection& selection = document.selection;
  Json json = {
      {"format", kFormat},
      {"machine",
       {{"processor", document.machine.processor}, {"compiler", document.machine.compiler}}},
      {"selection",
       {{"workloads", selection.workloads},
        {"allocators", selection.allocators},
        {"n", selection.n},
        {"seed", selection.seed},
        {"operations", selection.operations},
        {"repetitions", selection.repetitions},
        {"pairs", selection.pairs},
        {"count", selection.count}}},
      {"shard", {{"index", document.shard.index}, {"of", document.shard.of}}},
      {"cells", Json::array()}};
  for (const Result& result : document.results) json["cells"].push_back(json_of(result));
  return json.dump(1) + "\n";
}

Document document_of(std::string_view text) {
  const Json json = parsed(text);
  const Value top(json, "");
  const Value format = top.at("format");
  if (format.text() != kFormat) format.reject(fmt::format("\"{}\"", kFormat));

  Document document;
  document.machine.processor = top.at("machine").at("processor").text();
  document.machine.compiler = top.at("machine").at("compiler").text();
  document.selection = selection_of(top.at("selection"));
  document.shard.of = top.at("shard").at("of").number(1, kMostShards);
  document.shard.index = top.at("shard").at("index").number(1, document.shard.of);

  const std::vector<Cell> cells = cells_of(document.selection, document.shard);
  const std::vector<Value> values = top.at("cells").elements(cells.size());
  if (values.size() != cells.size()) {
    throw BadDocument(
        fmt::format("expected {} cells, as were selected, found {}.", cells.size(), values.size()));
  }
  for (std::size_t i = 0; i != cells.size(); ++i) {
    const Cell cell{values[i].at("workload").text(), values[i].at("allocator").text(),
                    values[i].at("n").number()};
    if (cell != cells[i]) {
      values[i].reject(fmt::format("workload {}, allocator {} and n {}", cells[i].workload,
                                   cells[i].allocator, cells[i].n));
    }
    document.results.push_back({cell, measurement_of(values[i])});
  }
  return document;
}

}  // namespace smmu::study
