// Certificates, versions, and clients that speak something else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "controller/base/file.h"
#include "tests/integration/http/certificate.h"
#include "tests/integration/http/fixture.h"
#include "tests/support/support.h"

namespace holdfast::http::test {
namespace {

using holdfast::test::wait_until;
using testing::HasSubstr;

class TlsTest : public ServerTest {};

TEST_F(TlsTest, ANewCertificateIsServedWithoutARestart) {
  start_tls();
  auto before = connect();
  EXPECT_EQ(before.peer_certificate_name(), "first");
  write_certificate("second", options_.tls->cert_file, options_.tls->key_file);
  EXPECT_TRUE(wait_until([&] { return connect().peer_certificate_name() == "second"; }));
  before.get("/hello");  // the old connection goes on
  EXPECT_EQ(before.read_answer()->body, "hello\n");
}

TEST_F(TlsTest, ABadCertificateIsNotServedAndAGoodOneAfterItIs) {
  start_tls();
  ASSERT_TRUE(write_file_atomically(options_.tls->cert_file, "not a certificate"));
  testing::internal::CaptureStderr();
  std::string logged;
  EXPECT_TRUE(wait_until([&] {
    EXPECT_EQ(connect().peer_certificate_name(), "first");
    logged += testing::internal::GetCapturedStderr();
    testing::internal::CaptureStderr();
    return logged.find("can't be used") != std::string::npos;
  }));
  testing::internal::GetCapturedStderr();
  EXPECT_THAT(logged, HasSubstr(options_.tls->cert_file));
  write_certificate("third", options_.tls->cert_file, options_.tls->key_file);
  EXPECT_TRUE(wait_until([&] { return connect().peer_certificate_name() == "third"; }));
}

TEST_F(TlsTest, FilesThatDoNotFitAreRefusedAtStart) {
  const auto start_error = [&](const std::string& cert, const std::string& key) {
    options_.listen = "127.0.0.1:0";
    options_.tls = TlsFiles{cert, key};
    auto server = Server::start(options_, {});
    EXPECT_FALSE(server);
    return server ? Error{} : server.error();
  };
  write_certificate("a", dir_ / "a.pem", dir_ / "a.key");
  write_certificate("b", dir_ / "b.pem", dir_ / "b.key");
  for (const auto& [cert, key] :
       std::vector<std::pair<std::string, std::string>>{{dir_ / "missing.pem", dir_ / "a.key"},
                                                        {dir_ / "a.pem", dir_ / "missing.key"},
                                                        {dir_ / "a.pem", dir_ / "b.key"},
                                                        {dir_ / "a.key", dir_ / "a.pem"}}) {
    const auto error = start_error(cert, key);
    EXPECT_EQ(error.code, ErrorCode::kInvalid);
    EXPECT_THAT(error.message, HasSubstr(dir_.path()));
    EXPECT_FALSE(error.hint.empty());
  }
}

TEST_F(TlsTest, OldVersionsAreRefused) {
  start_tls();
  EXPECT_TRUE(Client::tls_handshake_fails(server_->address(), TLS1_1_VERSION));
  EXPECT_FALSE(Client::tls_handshake_fails(server_->address(), TLS1_2_VERSION));
  EXPECT_EQ(connect().tls_version(), "TLSv1.3");
}

TEST_F(TlsTest, PlainHttpIsToldToUseTls) {
  start_tls();
  Client plain(server_->address());
  plain.get("/hello");
  const auto answer = plain.read_answer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 400);
  EXPECT_THAT(answer->body, HasSubstr("https://"));
}

TEST_F(TlsTest, GarbageInsteadOfAHandshakeHarmsNothing) {
  start_tls();
  for (int i = 0; i < 50; ++i) {
    Client client(server_->address());
    std::string garbage("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
    for (int n = 0; n < i * 20; ++n) garbage += static_cast<char>((n * 37 + i * 11) % 256);
    client.send(garbage);
    if (i % 2) client.reset();
  }
  expect_serving();
  expect_resting();
}

TEST_F(TlsTest, ClearTextOnAPlainListenerThatLooksLikeTlsIsRefused) {
  start();
  auto client = connect();
  client.send(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11));
  EXPECT_EQ(client.read_answer()->status, 400);
}

}  // namespace
}  // namespace holdfast::http::test
