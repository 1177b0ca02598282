/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TCP_ZEROCOPY_RECEIVE for the tests of mseal(2): a socket puts what it receives
 * into a read-only mapping of itself, page by page. A call returns 0 or an error
 * number.
 */
#ifndef MSEAL_TCP_H
#define MSEAL_TCP_H

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef TCP_ZEROCOPY_RECEIVE
#define TCP_ZEROCOPY_RECEIVE	35
#endif
#ifndef SO_ZEROCOPY
#define SO_ZEROCOPY		60
#endif
#ifndef MSG_ZEROCOPY
#define MSG_ZEROCOPY		0x4000000
#endif

/* The beginning of struct tcp_zerocopy_receive, whose header defines too much. */
struct tcp_zerocopy {
	uint64_t address;
	uint32_t length, recv_skip_hint;
};

#define TCP_TIMEOUT	(20 * 1000)	/* milliseconds */

void tcp_loopback_up(int sock);
int tcp_pair(int *out, int *in);
const char *tcp_missing(int err);
int tcp_send_page(int out, int in, const char *from, size_t len);
int tcp_receive_page(int in, const char *at, size_t len);

#endif /* MSEAL_TCP_H */
