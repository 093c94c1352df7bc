// kill -9 of the writer at random moments: what a call has returned for must be there afterwards.
#include <cstring>
#include <random>

#include <sys/wait.h>
#include <unistd.h>

#include "controller/base/unique_fd.h"
#include "controller/state/edits.h"
#include "controller/state/store.h"
#include "tests/support/support.h"
#include "tests/unit/state/values.h"

namespace holdfast::state {
namespace {

// What the writer tells after each round: all of it was acknowledged.
struct Acknowledged {
  std::uint64_t nonce = 0, event = 0, revision = 0;
};

// Writes until it is killed.
[[noreturn]] void write_forever(const std::string& dir, int report) {
  const SystemClock clock;
  auto store = Store::open(dir, clock);
  auto edits = EditStore::open(dir, clock, 5);
  if (!store || !edits) _exit(1);
  std::uint64_t round = (*store)->intents()["web"].restart_nonce;
  for (;;) {
    ++round;
    Intent intent;
    intent.restart_nonce = round;
    (*store)->save_intent("web", intent);
    auto ledger = test::full_ledger();
    ledger.ordinals[0].incarnation = round;
    (*store)->save_ledger("web", ledger);
    Acknowledged done{.nonce = round};
    done.event = (*store)->append_event(test::event_of("web", std::to_string(round))).id;
    if (round % 8 == 0) {
      const auto revision = (*edits)->commit(Json::object({{"round", round}}), {}, "round");
      if (!revision) _exit(1);
    }
    done.revision = (*edits)->revision();
    if (write(report, &done, sizeof done) != sizeof done) _exit(1);
  }
}

TEST(Kill, LosesNothingThatWasAcknowledged) {
  const holdfast::test::TempDir dir;
  const SystemClock clock;
  std::mt19937 random(7);
  std::uint64_t last_event = 0;
  for (int run = 0; run < 25; ++run) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const UniqueFd reports(ends[0]);
    UniqueFd writer(ends[1]);
    const pid_t child = fork();
    if (child == 0) write_forever(dir.path(), writer.get());
    writer.reset();
    Acknowledged done;
    const int rounds = std::uniform_int_distribution(1, 60)(random);
    for (int i = 0; i < rounds; ++i) ASSERT_EQ(read(reports.get(), &done, sizeof done), ssize_t{sizeof done});
    kill(child, SIGKILL);
    while (read(reports.get(), &done, sizeof done) == ssize_t{sizeof done}) continue;
    waitpid(child, nullptr, 0);

    const auto store = *Store::open(dir.path(), clock);
    ASSERT_THAT(store->quarantined(), ::testing::IsEmpty());
    EXPECT_GE(store->intents().at("web").restart_nonce, done.nonce);
    EXPECT_GE(store->ledgers().at("web").ordinals.at(0).incarnation, done.nonce);
    const auto events = *store->events({.service = "web", .after = last_event, .limit = 100'000});
    ASSERT_FALSE(events.empty());
    EXPECT_GE(events.back().id, done.event);
    EXPECT_GT(events.front().id, last_event) << "an id was used twice";
    last_event = events.back().id;
    const auto edits = *EditStore::open(dir.path(), clock, 5);
    EXPECT_THAT(edits->quarantined(), ::testing::IsEmpty());
    EXPECT_GE(edits->revision(), done.revision);
    EXPECT_EQ(edits->read(edits->revision()), edits->layer());
  }
}

}  // namespace
}  // namespace holdfast::state
