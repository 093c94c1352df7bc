#include "api/metrics/metrics.h"

#include <prometheus/collectable.h>
#include <prometheus/text_serializer.h>

#include "api/metrics/controller_metrics.h"
#include "api/metrics/families.h"
#include "api/metrics/service_metrics.h"

namespace holdfast::metrics {
namespace {

constexpr const char* kContentType = "text/plain; version=0.0.4; charset=utf-8";

class SnapshotCollector final : public prometheus::Collectable {
 public:
  SnapshotCollector(const ControlPlane& control, const MetricsOptions& options)
      : control_(control), options_(options) {}

  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override {
    Families families;
    add_build_info(options_.version, options_.revision, families);
    add_reconciler_metrics(control_.stats(), families);
    add_runtime_metrics(control_.runtimes(), control_.ready(), families);
    add_service_metrics(control_.services(), families);
    add_process_metrics(families);
    return families;
  }

 private:
  const ControlPlane& control_;
  const MetricsOptions& options_;
};

}  // namespace

http::Response scrape(const ControlPlane& control, const MetricsOptions& options) {
  const SnapshotCollector collector(control, options);
  http::Response response;
  response.body = prometheus::TextSerializer().Serialize(collector.Collect());
  response.content_type = kContentType;
  return response;
}

std::vector<http::Route> routes(const ControlPlane& control, MetricsOptions options) {
  const auto role = options.role;
  return {{http::Method::kGet, "/metrics", role,
           http::Handler([&control, options = std::move(options)](const http::Request&) {
             return scrape(control, options);
           })}};
}

}  // namespace holdfast::metrics
