// A thin layer over the HDF5 C library: owned handles, and its errors as values.
#pragma once

#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <hdf5.h>

#include "controller/base/result.h"

namespace holdfast::examples::h5 {

// Thrown by the helpers below; with_hdf5 turns it into an Error.
class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// For the time of some HDF5 calls. The library may be built without thread safety, even for different files,
// so every call, closing included, is made under one lock. Recursive: a step of longer work may be a function
// of its own.
class Session {
 public:
  Session();
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
};

// Runs body under the library lock. A Failure, or an absurd size that can't be allocated, becomes
// "what: reason".
template <typename Body>
auto with_hdf5(const std::string& what, Body&& body) -> Result<std::invoke_result_t<Body>> {
  const Session session;
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<Body>>) {
      std::forward<Body>(body)();
      return {};
    } else {
      return std::forward<Body>(body)();
    }
  } catch (const std::exception& e) {
    return fail(ErrorCode::kInvalid, what + ": " + e.what());
  }
}

// Owns one HDF5 identifier. Everything below is for use inside with_hdf5.
class Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Handle(hid_t id, Close close, const std::string& what);  // throws Failure if id is negative
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Handle& operator=(Handle&&) = delete;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  operator hid_t() const { return id_; }  // NOLINT(google-explicit-constructor)

 private:
  hid_t id_;
  Close close_;
};

void check(herr_t status, const std::string& what);  // throws Failure if negative

Handle open_file(const std::string& path);    // to read
Handle create_file(const std::string& path);  // replaces
void flush(hid_t file);                       // closing can't report a full disk, this can

using Shape = std::vector<hsize_t>;
Handle make_dataset(hid_t file, const std::string& name, hid_t type, const Shape& shape);
Handle open_dataset(hid_t file, const std::string& name);
Shape shape_of(hid_t dataset);
// All of a dataset; refuses more than a GiB, which only a damaged header claims.
std::vector<double> read_doubles(hid_t dataset);
std::vector<float> read_floats(hid_t dataset);

void write_text(hid_t object, const std::string& name, const std::string& value);  // attributes
void write_int(hid_t object, const std::string& name, int value);
std::string read_text(hid_t object, const std::string& name);
int read_int(hid_t object, const std::string& name);

}  // namespace holdfast::examples::h5
