#include "examples/common/hdf5_file.h"

#include <mutex>

namespace holdfast::examples::h5 {

namespace {

std::recursive_mutex& library_lock() {
  static std::recursive_mutex mutex;
  return mutex;
}

// The innermost entry of the error stack is what really happened.
std::string last_error() {
  std::string text;
  H5Ewalk2(
      H5E_DEFAULT, H5E_WALK_UPWARD,
      [](unsigned n, const H5E_error2_t* entry, void* out) -> herr_t {
        if (n == 0 && entry->desc) *static_cast<std::string*>(out) = entry->desc;
        return 0;
      },
      &text);
  return text.empty() ? "unknown HDF5 error" : text;
}

constexpr hsize_t kMaxBytes = 1u << 30;

template <typename T>
std::vector<T> read_all(hid_t dataset, hid_t type) {
  hsize_t count = 1;
  for (const auto extent : shape_of(dataset)) {
    if (extent != 0 && count > kMaxBytes / sizeof(T) / extent) throw Failure("dataset too large");
    count *= extent;
  }
  std::vector<T> values(count);
  if (count > 0) check(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), "reading data");
  return values;
}

Handle text_type(size_t size) {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose, "text type");
  check(H5Tset_size(type, size), "text type");
  return type;
}

}  // namespace

Session::Session() {
  library_lock().lock();
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // no error stacks on stderr: with_hdf5 reports them
}

Session::~Session() {
  // What a thread leaves on its error stack would keep the library from closing at exit.
  H5Eclear2(H5E_DEFAULT);
  library_lock().unlock();
}

Handle::Handle(hid_t id, Close close, const std::string& what) : id_(id), close_(close) {
  if (id < 0) throw Failure(what + ": " + last_error());
}

void check(herr_t status, const std::string& what) {
  if (status < 0) throw Failure(what + ": " + last_error());
}

Handle open_file(const std::string& path) {
  return {H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, "cannot open"};
}

Handle create_file(const std::string& path) {
  return {H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose, "cannot create"};
}

void flush(hid_t file) {
  check(H5Fflush(file, H5F_SCOPE_GLOBAL), "cannot write");
}

Handle make_dataset(hid_t file, const std::string& name, hid_t type, const Shape& shape) {
  const Handle space(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr), H5Sclose, name);
  return {H5Dcreate2(file, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Dclose, name};
}

Handle open_dataset(hid_t file, const std::string& name) {
  return {H5Dopen2(file, name.c_str(), H5P_DEFAULT), H5Dclose, name};
}

Shape shape_of(hid_t dataset) {
  const Handle space(H5Dget_space(dataset), H5Sclose, "shape");
  const int rank = H5Sget_simple_extent_ndims(space);
  check(rank, "shape");
  Shape shape(static_cast<size_t>(rank));
  check(H5Sget_simple_extent_dims(space, shape.data(), nullptr), "shape");
  return shape;
}

std::vector<double> read_doubles(hid_t dataset) {
  return read_all<double>(dataset, H5T_NATIVE_DOUBLE);
}
std::vector<float> read_floats(hid_t dataset) {
  return read_all<float>(dataset, H5T_NATIVE_FLOAT);
}

void write_text(hid_t object, const std::string& name, const std::string& value) {
  const auto type = text_type(value.size() + 1);
  const Handle space(H5Screate(H5S_SCALAR), H5Sclose, name);
  const Handle attribute(H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose,
                         name);
  check(H5Awrite(attribute, type, value.c_str()), name);
}

void write_int(hid_t object, const std::string& name, int value) {
  const Handle space(H5Screate(H5S_SCALAR), H5Sclose, name);
  const Handle attribute(H5Acreate2(object, name.c_str(), H5T_STD_I32LE, space, H5P_DEFAULT, H5P_DEFAULT),
                         H5Aclose, name);
  check(H5Awrite(attribute, H5T_NATIVE_INT, &value), name);
}

std::string read_text(hid_t object, const std::string& name) {
  constexpr size_t kMaxText = 256;
  const Handle attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose, "attribute " + name);
  const Handle stored(H5Aget_type(attribute), H5Tclose, name);
  const size_t size = H5Tget_size(stored);
  if (H5Tget_class(stored) != H5T_STRING || H5Tis_variable_str(stored) != 0 || size > kMaxText ||
      H5Aget_storage_size(attribute) != size) {
    throw Failure("attribute " + name + " is not a short text");
  }
  std::string value(size + 1, '\0');
  check(H5Aread(attribute, text_type(size + 1), value.data()), name);
  value.resize(value.find('\0'));
  return value;
}

int read_int(hid_t object, const std::string& name) {
  const Handle attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose, "attribute " + name);
  const Handle space(H5Aget_space(attribute), H5Sclose, name);
  if (H5Sget_simple_extent_npoints(space) != 1) throw Failure("attribute " + name + " is not one number");
  int value = 0;
  check(H5Aread(attribute, H5T_NATIVE_INT, &value), name);
  return value;
}

}  // namespace holdfast::examples::h5
