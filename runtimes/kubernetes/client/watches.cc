#include <memory>
#include <utility>

#include "runtimes/kubernetes/client/api_client.h"
#include "runtimes/kubernetes/client/failure.h"
#include "runtimes/kubernetes/client/watch_reader.h"

namespace holdfast::kubernetes {

namespace {

using http_client::Response;

// What one stream tells; lives as long as its handlers.
class WatchTeller {
 public:
  WatchTeller(const Question& question, WatchHandlers handlers)
      : question_(question), handlers_(std::move(handlers)), reader_(question, handlers_.on_event) {}

  void open() {
    opened_ = true;
    if (handlers_.on_open) handlers_.on_open();
  }
  bool data(std::string_view bytes) { return reader_.feed(bytes); }
  void end(const Result<Response>& result) {
    if (const auto& failure = reader_.failure()) return tell(failure->error, failure->status);
    if (result && http_client::is_failure(result->status))
      return tell(refusal(question_, result->status, result->body), result->status);
    if (reader_.within_a_line()) {
      return tell(
          Error{ErrorCode::kUnavailable, question_.what() + ": the connection was cut within an event", {}},
          0);
    }
    // A connection that is cut in between two events has lost nothing.
    const bool cut = !result && opened_ && result.error().code == ErrorCode::kUnavailable;
    if (result || cut) return tell(std::nullopt, result ? result->status : 0);
    tell(result.error(), 0);
  }
  void tell(std::optional<Error> error, long status) {
    if (handlers_.on_end) handlers_.on_end(std::move(error), status);
  }

 private:
  const Question question_;
  const WatchHandlers handlers_;
  WatchReader reader_;
  bool opened_ = false;
};

class ApiWatch final : public Watch {
 public:
  explicit ApiWatch(std::unique_ptr<http_client::Stream> stream) : stream_(std::move(stream)) {}

 private:
  std::unique_ptr<http_client::Stream> stream_;
};

}  // namespace

std::unique_ptr<Watch> ApiClient::watch(const Resource& resource, const Selection& selection,
                                        const std::string& resource_version, Duration timeout,
                                        WatchHandlers handlers) {
  const Question question{.verb = "watch", .resource = resource, .namespace_ = selection.namespace_};
  const auto teller = std::make_shared<WatchTeller>(question, std::move(handlers));
  const auto path = question.path();
  const auto shown = grant();
  if (!path || !shown) {
    teller->tell(path ? shown.error() : path.error(), 0);
    return std::make_unique<ApiWatch>(nullptr);
  }
  auto parameters = parameters_of(selection);
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(timeout).count();
  parameters.insert(parameters.end(), {{"watch", "1"},
                                       {"allowWatchBookmarks", "true"},
                                       {"resourceVersion", resource_version},
                                       {"timeoutSeconds", std::to_string(std::max<long>(seconds, 1))}});
  http_client::Request request{
      .target = *path + query_of(parameters), .what = question.what(), .max_bytes = 0};
  if (!shown->token.empty()) request.headers.push_back("Authorization: Bearer " + shown->token);
  auto stream = transport_.open(std::move(request),
                                {.on_head = [teller] { teller->open(); },
                                 .on_data = [teller](std::string_view bytes) { return teller->data(bytes); },
                                 .on_end =
                                     [this, teller, used = *shown](const Result<Response>& result) {
                                       if (result && result->status == 401) credentials_.refused(used);
                                       teller->end(result);
                                     }});
  return std::make_unique<ApiWatch>(std::move(stream));
}

}  // namespace holdfast::kubernetes
