#include "runtimes/kubernetes/inside/config_map.h"

#include <charconv>
#include <utility>

#include "controller/base/log.h"
#include "controller/base/text.h"

namespace holdfast::kubernetes {

namespace {

constexpr size_t kMaxBytes = 1u << 20;  // of all values together, as the API server counts

const std::string& version_of_map(const Json& object) {
  return object.at("metadata").at("resourceVersion").as_string();
}

// Versions grow with each change of anything in the cluster. Where they should not be numbers the other side
// counts as newer.
// Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
bool is_older(const std::string& version, const std::string& than) {
  const auto number = [](const std::string& text) -> std::optional<std::uint64_t> {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
  };
  const auto a = number(version), b = number(than);
  return a && b && *a < *b;
}

bool is_layer(const std::string& key) {
  if (key == kEditsKey || key == kRevisionsKey || key == kIntentsKey) return false;
  return key.ends_with(".yaml") || key.ends_with(".yml") || key.ends_with(".json");
}

}  // namespace

SharedConfigMap::SharedConfigMap(Client& client, const Clock& clock, std::string in_namespace,
                                 std::string name, std::function<void()> sink)
    : client_(client), namespace_(std::move(in_namespace)), name_(std::move(name)), sink_(std::move(sink)) {
  InformerOptions options{
      .resource = kConfigMaps,
      .selection = {
          .namespace_ = namespace_, .label_selector = {}, .field_selector = "metadata.name=" + name_}};
  auto informer =
      make_informer(client, clock, std::move(options),
                    {.on_change = [this](const auto& before, const auto& after) { informed(before, after); },
                     .on_state = [this] { state_changed(); }});
  {
    const std::lock_guard lock(mutex_);
    informer_ = std::move(informer);
  }
  state_changed();  // what it has told so far was not heard
}

SharedConfigMap::~SharedConfigMap() = default;

std::string SharedConfigMap::where(std::string_view key) const {
  auto text = "ConfigMap " + namespace_ + "/" + name_;
  if (!key.empty()) text += ", key " + std::string(key);
  return text;
}

SharedConfigMap::DataPtr SharedConfigMap::data_of(ObjectPtr object) {
  auto data = std::make_shared<Data>();
  if (!object) return data;
  for (const auto& [key, value] : object->at("data").members()) data->values[key] = value.as_string();
  std::vector<std::string> binary;
  for (const auto& [key, value] : object->at("binaryData").members()) binary.push_back(key);
  if (!binary.empty())
    data->problem = "binaryData is not read (" + join(binary, ", ") + "): put texts in data";
  data->resource_version = version_of_map(*object);
  data->object = std::move(object);
  return data;
}

// With the lock held.
void SharedConfigMap::put(DataPtr data) {
  if (!data->problem.empty() && data->problem != data_->problem)
    log::warning("a part of the ConfigMap is left out",
                 {{"configMap", namespace_ + "/" + name_}, {"problem", data->problem}});
  data_ = std::move(data);
}

void SharedConfigMap::informed(const ObjectPtr& before, const ObjectPtr& after) {
  auto data = data_of(after);
  {
    const std::lock_guard lock(mutex_);
    const auto& version = version_of_map(after ? *after : *before);
    if (is_older(version, ahead_)) return;
    ahead_.clear();
    if (data->resource_version == data_->resource_version) return;
    put(std::move(data));
  }
  if (sink_) sink_();
}

void SharedConfigMap::state_changed() {
  const Informer* informer = nullptr;
  {
    const std::lock_guard lock(mutex_);
    informer = informer_.get();
  }
  if (!informer) return;
  const bool synced = informer->synced();
  auto error = informer->error();
  {
    const std::lock_guard lock(mutex_);
    known_ = known_ || synced;
    changed_.notify_all();
    if (error == told_) return;
    told_ = std::move(error);
  }
  if (sink_) sink_();
}

Status SharedConfigMap::wait_synced(Duration timeout) const {
  {
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, timeout, [this] { return known_; })) return {};
  }
  if (auto failed = error()) {
    failed->message = "cannot read " + where() + ": " + failed->message;
    return fail(std::move(*failed));
  }
  return fail(ErrorCode::kTimeout, "the API server has not yet told what " + where() + " holds");
}

SharedConfigMap::DataPtr SharedConfigMap::data() const {
  const std::lock_guard lock(mutex_);
  return data_;
}

std::optional<Error> SharedConfigMap::error() const {
  return informer_->error();
}

std::vector<SharedConfigMap::Layer> SharedConfigMap::layers() const {
  std::vector<Layer> layers;
  const auto now = data();
  for (const auto& [key, text] : now->values)
    if (is_layer(key)) layers.push_back({key, text});
  return layers;
}

Status SharedConfigMap::read_newest() {
  auto found = client_.get(kConfigMaps, namespace_, name_);
  if (!found) return fail(found.error());
  auto data = data_of(*found ? std::make_shared<const Json>(std::move(**found)) : nullptr);
  {
    const std::lock_guard lock(mutex_);
    if (data->resource_version == data_->resource_version) return {};
    if (is_older(data->resource_version, data_->resource_version)) return {};
    ahead_ = data->resource_version;
    put(std::move(data));
  }
  if (sink_) sink_();
  return {};
}

SharedConfigMap::DataPtr SharedConfigMap::written(Json object) {
  auto data = data_of(std::make_shared<const Json>(std::move(object)));
  const std::lock_guard lock(mutex_);
  if (!is_older(data->resource_version, data_->resource_version)) {
    ahead_ = data->resource_version;
    put(data);
  }
  return data;
}

Status SharedConfigMap::check_size(const Data& base, const Values& values) const {
  size_t bytes = 0;
  for (const auto& [key, value] : values) bytes += value.size();
  if (base.object)  // in base64
    for (const auto& [key, value] : base.object->at("binaryData").members())
      bytes += value.as_string().size() / 4 * 3;
  if (bytes <= kMaxBytes) return {};
  return fail_terminal(ErrorCode::kInvalid,
                       where() + " would hold " + std::to_string(bytes) + " bytes, and no more than " +
                           std::to_string(kMaxBytes) + " are allowed",
                       "move services to another ConfigMap or a file of configuration");
}

Result<Json> SharedConfigMap::write(const Data& base, const Values& values) {
  auto object = base.object ? *base.object : Json::object();
  auto texts = Json::object();
  for (const auto& [key, value] : values) texts.members().emplace_back(key, value);
  object.set("data", std::move(texts));
  if (base.object) return client_.update(kConfigMaps, namespace_, object);
  object.set("metadata",
             Json::object({{"name", name_},
                           {"labels", Json::object({{"app.kubernetes.io/managed-by", "holdfast"}})}}));
  return client_.create(kConfigMaps, namespace_, object);
}

Result<SharedConfigMap::DataPtr> SharedConfigMap::edit(const std::function<Status(Values& values)>& change,
                                                       int attempts) {
  for (int attempt = 1;; ++attempt) {
    auto base = data();
    auto values = base->values;
    if (auto changed = change(values); !changed) return fail(changed.error());
    if (values == base->values) return base;
    if (auto fits = check_size(*base, values); !fits) return fail(fits.error());
    auto object = write(*base, values);
    if (object) return written(std::move(*object));
    const auto code = object.error().code;
    const bool overtaken = code == ErrorCode::kConflict || (code == ErrorCode::kNotFound && base->object);
    if (!overtaken) return fail(object.error());
    // Also after the last attempt: who begins again begins with the newest.
    if (auto fresh = read_newest(); !fresh) return fail(fresh.error());
    if (attempt >= attempts)
      return fail(ErrorCode::kConflict, "others have changed " + where() + " at the same time", "try again");
  }
}

}  // namespace holdfast::kubernetes
