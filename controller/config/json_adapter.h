// Shows a Json to valijson, in the shape that its templates ask for (valijson/internal/basic_adapter.hpp).
// Adapters borrow the value; only schema_validator.cc and a test include this.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>

#include <valijson/exceptions.hpp>
#include <valijson/internal/adapter.hpp>
#include <valijson/internal/basic_adapter.hpp>
#include <valijson/internal/frozen_value.hpp>
#include <valijson/internal/optional.hpp>

#include "controller/base/json.h"

namespace holdfast::config {

class JsonAdapter;
using JsonAdapterMember = std::pair<std::string, JsonAdapter>;

// Over items or members; Result is what valijson sees of one.
template <typename Iterator, typename Result>
class JsonAdapterIterator {
 public:
  using iterator_category = std::bidirectional_iterator_tag;
  using value_type = Result;
  using difference_type = std::ptrdiff_t;
  using pointer = Result*;
  using reference = Result&;

  JsonAdapterIterator(Iterator at) : at_(at) {}  // NOLINT(google-explicit-constructor): as valijson's own
  Result operator*() const;
  valijson::adapters::DerefProxy<Result> operator->() const {
    return valijson::adapters::DerefProxy<Result>(**this);
  }
  bool operator==(const JsonAdapterIterator& other) const { return at_ == other.at_; }
  bool operator!=(const JsonAdapterIterator& other) const { return at_ != other.at_; }
  JsonAdapterIterator& operator++() {
    ++at_;
    return *this;
  }
  JsonAdapterIterator operator++(int) { return at_++; }
  JsonAdapterIterator& operator--() {
    --at_;
    return *this;
  }
  void advance(std::ptrdiff_t n) { at_ += n; }

 private:
  Iterator at_;
};

class JsonAdapterArray {
 public:
  using iterator = JsonAdapterIterator<Json::Array::const_iterator, JsonAdapter>;
  using const_iterator = iterator;
  JsonAdapterArray() : JsonAdapterArray(Json()) {}  // a value that is no list has a lasting empty one
  explicit JsonAdapterArray(const Json& value) : items_(value.items()) {}
  [[nodiscard]] iterator begin() const { return items_.begin(); }
  [[nodiscard]] iterator end() const { return items_.end(); }
  [[nodiscard]] size_t size() const { return items_.size(); }

 private:
  const Json::Array& items_;
};

class JsonAdapterObject {
 public:
  using iterator = JsonAdapterIterator<Json::Object::const_iterator, JsonAdapterMember>;
  using const_iterator = iterator;
  JsonAdapterObject() : JsonAdapterObject(Json()) {}  // likewise
  explicit JsonAdapterObject(const Json& value) : members_(value.members()) {}
  [[nodiscard]] iterator begin() const { return members_.begin(); }
  [[nodiscard]] iterator end() const { return members_.end(); }
  [[nodiscard]] iterator find(const std::string& name) const {
    auto it = members_.begin();
    while (it != members_.end() && it->first != name) ++it;
    return it;
  }
  [[nodiscard]] size_t size() const { return members_.size(); }

 private:
  const Json::Object& members_;
};

class JsonAdapterFrozen final : public valijson::adapters::FrozenValue {
 public:
  explicit JsonAdapterFrozen(Json value) : value_(std::move(value)) {}
  [[nodiscard]] FrozenValue* clone() const override { return new JsonAdapterFrozen(value_); }
  [[nodiscard]] bool equalTo(const valijson::adapters::Adapter& other, bool strict) const override;

 private:
  Json value_;
};

class JsonAdapterValue {
 public:
  JsonAdapterValue() : value_(&nothing()) {}
  explicit JsonAdapterValue(const Json& value) : value_(&value) {}
  [[nodiscard]] valijson::adapters::FrozenValue* freeze() const { return new JsonAdapterFrozen(*value_); }
  [[nodiscard]] opt::optional<JsonAdapterArray> getArrayOptional() const {
    return value_->is_array() ? opt::make_optional(JsonAdapterArray(*value_)) : opt::nullopt;
  }
  [[nodiscard]] opt::optional<JsonAdapterObject> getObjectOptional() const {
    return value_->is_object() ? opt::make_optional(JsonAdapterObject(*value_)) : opt::nullopt;
  }
  bool getArraySize(size_t& out) const { return get(value_->is_array(), value_->items().size(), out); }
  bool getObjectSize(size_t& out) const { return get(value_->is_object(), value_->members().size(), out); }
  bool getBool(bool& out) const { return get(value_->is_bool(), value_->as_bool(), out); }
  bool getDouble(double& out) const { return get(value_->is_double(), value_->as_double(), out); }
  bool getInteger(std::int64_t& out) const { return get(value_->is_int(), value_->as_int(), out); }
  bool getString(std::string& out) const { return get(value_->is_string(), value_->as_string(), out); }
  static bool hasStrictTypes() { return true; }
  [[nodiscard]] bool isArray() const { return value_->is_array(); }
  [[nodiscard]] bool isBool() const { return value_->is_bool(); }
  [[nodiscard]] bool isDouble() const { return value_->is_double(); }
  [[nodiscard]] bool isInteger() const { return value_->is_int(); }
  [[nodiscard]] bool isNull() const { return value_->is_null(); }
  [[nodiscard]] bool isNumber() const { return value_->is_number(); }
  [[nodiscard]] bool isObject() const { return value_->is_object(); }
  [[nodiscard]] bool isString() const { return value_->is_string(); }

 private:
  template <typename T>
  static bool get(bool fits, const T& value, T& out) {
    if (fits) out = value;
    return fits;
  }
  static const Json& nothing() {
    static const Json empty = Json::object();
    return empty;
  }
  const Json* value_;
};

class JsonAdapter : public valijson::adapters::BasicAdapter<JsonAdapter, JsonAdapterArray, JsonAdapterMember,
                                                            JsonAdapterObject, JsonAdapterValue> {
 public:
  JsonAdapter() = default;
  explicit JsonAdapter(const Json& value) : BasicAdapter(JsonAdapterValue(value)) {}
};

template <>
inline JsonAdapter JsonAdapterIterator<Json::Array::const_iterator, JsonAdapter>::operator*() const {
  return JsonAdapter(*at_);
}
template <>
inline JsonAdapterMember JsonAdapterIterator<Json::Object::const_iterator, JsonAdapterMember>::operator*()
    const {
  return {at_->first, JsonAdapter(at_->second)};
}
inline bool JsonAdapterFrozen::equalTo(const valijson::adapters::Adapter& other, bool strict) const {
  return JsonAdapter(value_).equalTo(other, strict);
}

}  // namespace holdfast::config

namespace valijson::adapters {

template <>
struct AdapterTraits<holdfast::config::JsonAdapter> {
  using DocumentType = holdfast::Json;
  static std::string adapterName() { return "JsonAdapter"; }
};

}  // namespace valijson::adapters
