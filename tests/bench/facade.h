// How soon the streaming facade answers after the service is up.
#pragma once

#include <string>

namespace holdfast::bench {

class Reports;

// Stops, starts and restarts the service through the facade at 127.0.0.1:port so many times, and prints
// "start P50 MAX" and "restart P50 MAX": milliseconds from the service's start to the answer.
void measure_facade(Reports& reports, int port, int rounds);

// Starts a service that dies at once, and prints "failure MS OUTCOME": from the request to the answer.
void measure_failure(int port);

}  // namespace holdfast::bench
