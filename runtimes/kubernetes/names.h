// What Holdfast writes on its objects.
#pragma once

namespace holdfast::kubernetes {

inline constexpr const char* kManager = "holdfast";  // of fields, and as app.kubernetes.io/managed-by
inline constexpr const char* kManagedByLabel = "app.kubernetes.io/managed-by";
inline constexpr const char* kServiceLabel = "holdfast.dev/service";        // also selects the pods
inline constexpr const char* kControllerLabel = "holdfast.dev/controller";  // two in one namespace want two

// Annotations of a Deployment and of its pod template.
inline constexpr const char* kHashNote = "holdfast.dev/spec-hash";
inline constexpr const char* kNonceNote = "holdfast.dev/restart-nonce";
inline constexpr const char* kContainerNote = "kubectl.kubernetes.io/default-container";  // the service's own

// Annotations of a Deployment only: what Holdfast must remember of it (book.h).
inline constexpr const char* kAppliedNote = "holdfast.dev/applied";
inline constexpr const char* kReplicasNote = "holdfast.dev/replicas";
inline constexpr const char* kStableNote = "holdfast.dev/stable";
inline constexpr const char* kRejectedNote = "holdfast.dev/rejected";

}  // namespace holdfast::kubernetes
