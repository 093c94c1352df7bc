// Random layers: merging trees that know their origins gives what RFC 7396 gives, and every leaf's origin is
// the layer that last wrote it.
#include "controller/config/merge.h"

#include <random>

#include "controller/config/config.h"

namespace holdfast::config {
namespace {

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  // A patch: few names, so that layers meet; nulls, scalars, lists and maps of maps.
  Json patch(int depth) {
    auto out = Json::object();
    const int count = number(0, 4);
    for (int i = 0; i < count; ++i) out.set(name(), value(depth));
    return out;
  }
  int number(int least, int most) { return std::uniform_int_distribution<int>(least, most)(random_); }

 private:
  std::string name() {
    static const std::vector<std::string> names = {"a", "b", "c", "d/e", "f.g", "~"};
    return names[static_cast<size_t>(number(0, 5))];
  }
  Json value(int depth) {
    switch (number(0, depth > 0 ? 5 : 3)) {
      case 0:
        return {};
      case 1:
        return number(0, 9);
      case 2:
        return Json::array({number(0, 9), number(0, 9)});
      case 3:
        return "text";
      default:
        return patch(depth - 1);
    }
  }

  std::mt19937 random_;
};

void collect_leaves(const Node& node, const std::vector<std::string>& at,
                    std::map<std::string, std::int32_t>& out) {
  if (!node.is_object() || node.members.empty()) {
    out[pointer_of(at)] = node.mark.layer;
    return;
  }
  for (const auto& member : node.members) {
    auto below = at;
    below.push_back(member.key);
    collect_leaves(member.value, below, out);
  }
}

const Json* find(const Json& root, const std::vector<std::string>& segments) {
  const Json* value = &root;
  for (const auto& segment : segments) {
    value = value->find(segment);
    if (!value) return nullptr;
  }
  return value;
}

class RandomLayers : public testing::TestWithParam<unsigned> {};

TEST_P(RandomLayers, MergeAsTheRfcSaysAndKnowTheirOrigins) {
  Generator generator(GetParam());
  for (int round = 0; round < 300; ++round) {
    std::vector<Json> layers;
    for (int i = generator.number(1, 5); i > 0; --i) layers.push_back(generator.patch(3));
    auto expected = Json::object();
    Node merged;
    merged.kind = Node::Kind::kObject;
    for (size_t i = 0; i < layers.size(); ++i) {
      merge_patch(expected, layers[i]);
      merge_into(merged, from_json(layers[i], Mark{0, 1, 1}), static_cast<std::int32_t>(i));
    }
    ASSERT_EQ(dump_json(to_json(merged)), dump_json(expected));

    std::map<std::string, std::int32_t> leaves;
    collect_leaves(merged, {}, leaves);
    for (const auto& [pointer, layer] : leaves) {
      const auto segments = *parse_pointer(pointer);
      if (segments.empty()) continue;
      ASSERT_GE(layer, 0) << pointer;
      // It is in that layer, as merged, and no later layer says anything else about it.
      const Json* written = find(layers[static_cast<size_t>(layer)], segments);
      ASSERT_NE(written, nullptr) << pointer;
      const Json* result = find(expected, segments);
      ASSERT_NE(result, nullptr) << pointer;
      if (!result->is_object()) {
        ASSERT_EQ(*written, *result) << pointer;
      }
      for (size_t later = static_cast<size_t>(layer) + 1; later < layers.size(); ++later)
        ASSERT_EQ(find(layers[later], segments), nullptr) << pointer << " is in layer " << later;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomLayers, testing::Range(1u, 9u));

// However services are split over layers, the outcome is that of one document.
TEST(SplitLayers, GiveWhatTheWholeGives) {
  std::mt19937 random(7);
  const std::string service =
      R"({"command":["x"],"replicas":2,"env":{"A":"a","B":"b","C":"c"},"labels":{"l":"m","n":"o"},"stop":{"signal":"INT"},"resources":{"cpu":"1","memory":"1Gi"}})";
  const auto whole = load({{"base", "a.json", R"({"services":{"web":)" + service + "}}"}});
  ASSERT_TRUE(whole.document);
  const auto full = *parse_json(service);
  for (int round = 0; round < 200; ++round) {
    std::array<Json, 3> parts{Json::object(), Json::object(), Json::object()};
    std::map<std::string, std::string> owner;
    for (const auto& [key, value] : full.members()) {
      const auto pick = [&] { return std::uniform_int_distribution<size_t>(0, 2)(random); };
      if (!value.is_object()) {
        const auto layer = pick();
        parts.at(layer).set(key, value);
        owner["/services/web/" + key + (value.is_array() ? "/0" : "")] = "layer" + std::to_string(layer);
        continue;
      }
      for (const auto& [inner, leaf] : value.members()) {
        const auto layer = pick();
        Json* map = parts.at(layer).find(key);
        (map ? *map : parts.at(layer).set(key, Json::object())).set(inner, leaf);
        owner["/services/web/" + key + "/" + inner] = "layer" + std::to_string(layer);
      }
    }
    std::vector<LayerText> layers;
    for (size_t i = 0; i < parts.size(); ++i) {
      layers.push_back({"layer" + std::to_string(i), "x.json",
                        dump_json(Json::object({{"services", Json::object({{"web", parts.at(i)}})}}))});
    }
    const auto split = load(layers, *whole.document);
    ASSERT_TRUE(split.document);
    // Equal to the one before, so the very same.
    ASSERT_EQ(split.document->services.at("web"), whole.document->services.at("web"));
    for (const auto& [pointer, layer] : owner)
      ASSERT_EQ(split.document->origins.at(pointer).layer, layer) << pointer;
  }
}

}  // namespace
}  // namespace holdfast::config
