// Self-signed certificates made when a test needs them.
#pragma once

#include <string>

namespace holdfast::http::test {

// Writes a PEM certificate for `name` (also localhost, 127.0.0.1 and ::1) and its key. Throws on failure.
void write_certificate(const std::string& name, const std::string& cert_file, const std::string& key_file);

}  // namespace holdfast::http::test
