// What holds where no layer says anything, written out so that users see it.
#pragma once

#include "controller/config/node.h"

namespace holdfast::config {

// Fill in what is absent; what is there stays, even of the wrong type.
void fill_document_defaults(Node& document);
void fill_service_defaults(Node& service);

}  // namespace holdfast::config
