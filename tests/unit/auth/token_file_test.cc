#include "api/auth/token_file.h"

#include <sys/stat.h>

#include "controller/base/file.h"
#include "tests/support/support.h"

namespace holdfast::auth {
namespace {

using http::Role;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class Tokens : public testing::Test {
 protected:
  std::string make(const std::string& name, Role role) {
    auto token = create_token(path_, name, role, clock_);
    EXPECT_TRUE(token) << token.error().message;
    return token.value_or("");
  }
  std::string text() { return read_file(path_).value_or(""); }
  std::unique_ptr<TokenFile> open() {
    auto file = TokenFile::open(path_);
    EXPECT_TRUE(file) << file.error().message;
    return file ? *std::move(file) : nullptr;
  }
  Error open_error() {
    auto file = TokenFile::open(path_);
    EXPECT_FALSE(file);
    return file ? Error{} : file.error();
  }
  void overwrite(const std::string& content, unsigned mode = 0600) {
    ASSERT_TRUE(write_file_atomically(path_, content, mode));
  }

  test::TempDir dir_;
  test::SimClock clock_;
  std::string path_ = dir_ / "tokens";
};

std::string name_of(const std::optional<http::Identity>& identity) {
  return identity ? identity->name + ":" + std::string(http::to_string(identity->role)) : "nobody";
}

TEST_F(Tokens, ATokenIsKnownByItsHashAlone) {
  const std::string admin = make("alice", Role::kAdmin), viewer = make("ci", Role::kViewer);
  const auto file = open();
  EXPECT_EQ(name_of(file->find(admin)), "alice:admin");
  EXPECT_EQ(name_of(file->find(viewer)), "ci:viewer");
  const std::string secret = admin.substr(admin.rfind('_') + 1);
  EXPECT_EQ(secret.size(), 64u);
  EXPECT_THAT(text(), Not(HasSubstr(secret)));
}

TEST_F(Tokens, AnythingElseIsNobody) {
  const std::string token = make("alice", Role::kAdmin), other = make("bob", Role::kViewer);
  const auto file = open();
  const size_t secret_at = token.rfind('_') + 1;
  std::string wrong = token;
  wrong.back() = wrong.back() == '0' ? '1' : '0';
  // The id of one token with the secret of another must not work either.
  const std::string mixed = token.substr(0, secret_at) + other.substr(other.rfind('_') + 1);
  for (const std::string& bad :
       {std::string(), std::string("hf_"), std::string("hf__"), token.substr(0, secret_at), token + "0",
        token.substr(3), wrong, mixed, "HF" + token.substr(2)})
    EXPECT_EQ(name_of(file->find(bad)), "nobody") << bad;
}

TEST_F(Tokens, TheFileIsForItsOwnerAlone) {
  make("alice", Role::kAdmin);
  struct stat info{};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0600u);
}

TEST_F(Tokens, AFileThatOthersMayWriteIsRefused) {
  make("alice", Role::kAdmin);
  ASSERT_EQ(::chmod(path_.c_str(), 0620), 0);
  const Error error = open_error();
  EXPECT_EQ(error.code, ErrorCode::kPermission);
  EXPECT_THAT(error.hint, HasSubstr("chmod 600"));
  ASSERT_EQ(::chmod(path_.c_str(), 0644),
            0);  // readable is only worth a warning: hashes can't be turned back
  EXPECT_TRUE(TokenFile::open(path_));
}

TEST_F(Tokens, NamesAreUniqueAndPlain) {
  make("alice", Role::kAdmin);
  const auto again = create_token(path_, "alice", Role::kViewer, clock_);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kConflict);
  const std::string before = text();
  for (const std::string& name :
       {std::string(), std::string("a b"), std::string("a\nb"), std::string(64, 'a')}) {
    const auto bad = create_token(path_, name, Role::kViewer, clock_);
    ASSERT_FALSE(bad) << name;
    EXPECT_EQ(bad.error().code, ErrorCode::kInvalid);
  }
  EXPECT_FALSE(create_token(path_, "bob", Role::kNone, clock_));
  EXPECT_EQ(text(), before);
}

TEST_F(Tokens, ARevokedTokenStopsWorkingAndCommentsStay) {
  const std::string alice = make("alice", Role::kAdmin);
  overwrite("# who may do what\n\n" + text());
  const std::string bob = make("bob", Role::kOperator);
  const auto file = open();
  EXPECT_EQ(name_of(file->find(alice)), "alice:admin");
  ASSERT_TRUE(revoke_token(path_, "alice"));
  EXPECT_EQ(name_of(file->find(alice)), "nobody");
  EXPECT_EQ(name_of(file->find(bob)), "bob:operator");
  EXPECT_THAT(text(), testing::StartsWith("# who may do what\n\n{"));
  const Status again = revoke_token(path_, "alice");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kNotFound);
}

TEST_F(Tokens, AChangeOfTheFileIsSeen) {
  make("alice", Role::kAdmin);
  const auto file = open();
  const std::string bob = make("bob", Role::kOperator);
  EXPECT_EQ(name_of(file->find(bob)), "bob:operator");
}

TEST_F(Tokens, ABrokenOrMissingFileKeepsTheLastTokens) {
  const std::string alice = make("alice", Role::kAdmin);
  const std::string good = text();
  const auto file = open();
  overwrite(good + "{\"name\": \"x\"}\n");
  EXPECT_EQ(name_of(file->find(alice)), "alice:admin");
  ASSERT_EQ(::unlink(path_.c_str()), 0);
  EXPECT_EQ(name_of(file->find(alice)), "alice:admin");
  const std::string bob = make("bob", Role::kViewer);  // a new file, without alice
  EXPECT_EQ(name_of(file->find(alice)), "nobody");
  EXPECT_EQ(name_of(file->find(bob)), "bob:viewer");
  ASSERT_EQ(::chmod(path_.c_str(), 0666), 0);
  EXPECT_EQ(name_of(file->find(bob)), "bob:viewer");
}

TEST_F(Tokens, FaultsNameTheLineAndNotItsText) {
  make("alice", Role::kAdmin);
  const std::string good = text();
  const auto none = TokenFile::open(dir_ / "none").error();
  EXPECT_EQ(none.code, ErrorCode::kNotFound);
  EXPECT_THAT(none.hint, HasSubstr("holdfast token create --file " + (dir_ / "none")));
  for (const char* bad :
       {"hf_secret", "[]", "{\"name\":\"hf_secret\"}", "{\"name\":\"a\",\"role\":\"root\"}",
        "{\"name\":\"a\",\"role\":\"admin\",\"id\":\"00\",\"salt\":\"00\",\"hash\":\"\"}"}) {
    overwrite(good + "# comment\n" + bad + "\n");
    const Error error = open_error();
    EXPECT_EQ(error.code, ErrorCode::kInvalid) << bad;
    EXPECT_THAT(error.message, HasSubstr(path_ + ":3: ")) << bad;
    EXPECT_THAT(error.message, Not(HasSubstr("hf_secret"))) << bad;
    EXPECT_FALSE(create_token(path_, "new", Role::kViewer, clock_)) << bad;  // a broken file is left alone
  }
}

TEST_F(Tokens, AreListedWithoutSecrets) {
  make("alice", Role::kAdmin);
  make("ci", Role::kViewer);
  const auto infos = list_tokens(path_);
  ASSERT_TRUE(infos);
  std::vector<std::string> names;
  for (const auto& info : *infos) names.push_back(info.name + ":" + std::string(http::to_string(info.role)));
  EXPECT_THAT(names, ElementsAre("alice:admin", "ci:viewer"));
  EXPECT_EQ(infos->front().created, "2026-01-01T00:00:00.000000Z");
}

TEST_F(Tokens, ManyWritersLoseNoToken) {
  constexpr int kWriters = 8;
  std::vector<std::thread> writers;
  for (int i = 0; i < kWriters; ++i)
    writers.emplace_back([this, i] { make("writer-" + std::to_string(i), Role::kViewer); });
  for (auto& writer : writers) writer.join();
  EXPECT_EQ(list_tokens(path_)->size(), size_t{kWriters});
}

}  // namespace
}  // namespace holdfast::auth
