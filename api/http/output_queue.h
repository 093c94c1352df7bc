// Bytes on their way to a client. Large bodies are moved in, small pieces are joined.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::http {

class OutputQueue {
 public:
  void push(std::string bytes) {
    constexpr size_t kJoin = 16u << 10;
    size_ += bytes.size();
    if (!parts_.empty() && parts_.back().size() + bytes.size() <= kJoin) {
      parts_.back() += bytes;
    } else if (!bytes.empty()) {
      parts_.push_back(std::move(bytes));
    }
  }
  [[nodiscard]] size_t size() const { return size_; }  // bytes not popped
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::string_view front() const { return std::string_view(parts_[first_]).substr(offset_); }
  void pop(size_t bytes) {  // at most front().size()
    size_ -= bytes;
    offset_ += bytes;
    if (offset_ < parts_[first_].size()) return;
    offset_ = 0;
    std::string().swap(parts_[first_++]);
    if (first_ < parts_.size()) return;
    first_ = 0;
    std::vector<std::string>().swap(parts_);  // an idle connection holds no memory
  }

 private:
  std::vector<std::string> parts_;
  size_t first_ = 0, offset_ = 0, size_ = 0;
};

}  // namespace holdfast::http
