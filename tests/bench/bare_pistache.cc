// The yardstick of the API's speed: a bare Pistache handler that returns a constant body.
//
//   bench-pistache PORT THREADS BODY_FILE
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include <pistache/endpoint.h>

namespace {

class Constant final : public Pistache::Http::Handler {
 public:
  HTTP_PROTOTYPE(Constant)
  explicit Constant(std::string body) : body_(std::move(body)) {}
  void onRequest(const Pistache::Http::Request&, Pistache::Http::ResponseWriter response) override {
    response.send(Pistache::Http::Code::Ok, body_, MIME(Application, Json));
  }

 private:
  std::string body_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  std::ifstream file(argv[3], std::ios::binary);
  const std::string body{std::istreambuf_iterator<char>(file), {}};
  Pistache::Http::Endpoint endpoint(
      Pistache::Address("127.0.0.1", static_cast<std::uint16_t>(std::atoi(argv[1]))));
  endpoint.init(Pistache::Http::Endpoint::options()
                    .threads(std::atoi(argv[2]))
                    .flags(Pistache::Tcp::Options::ReuseAddr));
  endpoint.setHandler(Pistache::Http::make_handler<Constant>(body));
  endpoint.serve();
}
