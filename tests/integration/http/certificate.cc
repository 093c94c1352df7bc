#include "tests/integration/http/certificate.h"

#include <cstdio>
#include <memory>
#include <stdexcept>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "controller/base/file.h"

namespace holdfast::http::test {

namespace {

void check(bool ok) {
  if (!ok) throw std::runtime_error("cannot make a certificate");
}

template <typename Write>
void write_pem(const std::string& path, Write write) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), &BIO_free);
  check(write(bio.get()) == 1);
  char* text = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &text);
  check(write_file_atomically(path, {text, static_cast<size_t>(size)}, 0600, Durability::kProcessCrash)
            .has_value());
}

}  // namespace

void write_certificate(const std::string& name, const std::string& cert_file, const std::string& key_file) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> cert(X509_new(), &X509_free);
  check(key && cert);
  constexpr long kHour = 3600;
  X509_set_version(cert.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(cert.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(cert.get()), -kHour);
  X509_gmtime_adj(X509_getm_notAfter(cert.get()), kHour);
  X509_set_pubkey(cert.get(), key.get());
  auto* subject = X509_get_subject_name(cert.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(cert.get(), subject);
  const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> names(
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1"),
      &X509_EXTENSION_free);
  check(names && X509_add_ext(cert.get(), names.get(), -1) == 1);
  check(X509_sign(cert.get(), key.get(), EVP_sha256()) > 0);
  write_pem(key_file, [&](BIO* bio) {
    return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  write_pem(cert_file, [&](BIO* bio) { return PEM_write_bio_X509(bio, cert.get()); });
}

}  // namespace holdfast::http::test
