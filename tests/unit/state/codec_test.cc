#include "controller/state/codec.h"

#include "tests/support/support.h"
#include "tests/unit/state/values.h"

namespace holdfast::state {
namespace {

TEST(Codec, KeepsEveryMemberOfAnIntent) {
  EXPECT_EQ(decode_intent(encode(test::full_intent())), test::full_intent());
  EXPECT_EQ(decode_intent(encode(Intent{})), Intent{});
}

TEST(Codec, KeepsEveryMemberOfALedger) {
  EXPECT_EQ(decode_ledger(encode(test::full_ledger())), test::full_ledger());
  EXPECT_EQ(decode_ledger(encode(RestartLedger{})), RestartLedger{});
}

TEST(Codec, LeavesOutDefaults) {
  RestartLedger ledger;
  ledger.ordinals[0].incarnation = 1;
  EXPECT_EQ(encode(ledger), R"({"ordinals":{"0":{"incarnation":1}}})");
}

TEST(Codec, KeepsEveryMemberOfAnEvent) {
  Event event;
  event.ordinal = 0;
  event.incarnation = 4;
  event.type = "Exited";
  event.severity = "error";
  event.message = "web/0 ended: exit code 3";
  event.cause = "crash";
  event.actor = "bob";
  event.revision = 9;
  event.exit = test::full_exit();
  const auto back = decode_event(encode_body(event));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->ordinal, event.ordinal);
  EXPECT_EQ(back->incarnation, event.incarnation);
  EXPECT_EQ(back->type, event.type);
  EXPECT_EQ(back->severity, event.severity);
  EXPECT_EQ(back->message, event.message);
  EXPECT_EQ(back->cause, event.cause);
  EXPECT_EQ(back->actor, event.actor);
  EXPECT_EQ(back->revision, event.revision);
  EXPECT_EQ(back->exit, event.exit);
}

TEST(Codec, KeepsEveryMemberOfAnAuditRecord) {
  const AuditRecord record{.id = 0,
                           .at = {},
                           .actor = "alice",
                           .role = "admin",
                           .from = "127.0.0.1:4",
                           .action = "POST /x",
                           .target = "web",
                           .status = 409,
                           .result = "conflict"};
  const auto back = decode_audit(encode_body(record));
  ASSERT_TRUE(back);
  EXPECT_EQ(
      std::tie(back->actor, back->role, back->from, back->action, back->target, back->status, back->result),
      std::tie(record.actor, record.role, record.from, record.action, record.target, record.status,
               record.result));
}

TEST(Codec, RefusesOtherShapes) {
  for (const auto* bad :
       {"", "null", "[]", "{", "{}", R"({"configured":"walking"})", R"({"configured":1})",
        R"({"configured":"running","restartNonce":"7"})", R"({"configured":"running","desired":"maybe"})"}) {
    EXPECT_FALSE(decode_intent(bad)) << bad;
  }
  for (const auto* bad :
       {"", "{}", R"({"ordinals":[]})", R"({"ordinals":{"x":{}}})", R"({"ordinals":{"-1":{}}})",
        R"({"ordinals":{"0":3}})", R"({"ordinals":{"0":{"recent":5}}})",
        R"({"ordinals":{"0":{"recent":["a"]}}})", R"({"ordinals":{"0":{"failures":99999999999}}})",
        R"({"ordinals":{},"causes":{"crash":"many"}})", R"({"ordinals":{},"boot":4})",
        R"({"ordinals":{"0":{"exit":"no"}}})"}) {
    EXPECT_FALSE(decode_ledger(bad)) << bad;
  }
  EXPECT_FALSE(decode_event(R"({"type":3})"));
  EXPECT_FALSE(decode_audit(R"({"status":"ok"})"));
}

}  // namespace
}  // namespace holdfast::state
