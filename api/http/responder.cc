#include "api/http/responder.h"

namespace holdfast::http {

void DeferredResponder::respond(Response response) {
  if (used_.exchange(true)) return;
  inbox_->post(LateAnswer{connection_, exchange_, std::move(response)});
}

DeferredResponder::~DeferredResponder() {
  if (used_.load()) return;
  respond(problem(Error{.message = "the request was given up without an answer", .hint = {}},
                  exchange_->request.id));
}

}  // namespace holdfast::http
