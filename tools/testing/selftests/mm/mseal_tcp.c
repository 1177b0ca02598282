// SPDX-License-Identifier: GPL-2.0-only
/*
 * TCP_ZEROCOPY_RECEIVE for the tests of mseal(2): a socket puts what it receives
 * into a read-only mapping of itself, page by page. A call returns 0 or an error
 * number.
 */
#include "mseal_tcp.h"

/* Guests boot with lo down. */
void tcp_loopback_up(int sock)
{
	struct ifreq ifr = { .ifr_name = "lo" };

	if (ioctl(sock, SIOCGIFFLAGS, &ifr) || ifr.ifr_flags & IFF_UP)
		return;
	ifr.ifr_flags |= IFF_UP;
	ioctl(sock, SIOCSIFFLAGS, &ifr);
}

/**
 * tcp_pair - connect two sockets by the loopback interface
 * @out: the one that sends
 * @in: the one that receives
 *
 * Return: 0; an error number if the kernel has no TCP, or no loopback.
 */
int tcp_pair(int *out, int *in)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(addr);
	int listener, one = 1;

	*out = *in = -1;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0)
		return errno;
	tcp_loopback_up(listener);
	if (!bind(listener, (struct sockaddr *)&addr, len) && !listen(listener, 1) &&
	    !getsockname(listener, (struct sockaddr *)&addr, &len))
		*out = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*out >= 0 && !connect(*out, (struct sockaddr *)&addr, len) &&
	    !setsockopt(*out, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)))
		*in = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	one = *in < 0 ? errno : 0;
	close(listener);
	return one;
}

/* Why tcp_pair() failed, if it can only fail here; else NULL. */
const char *tcp_missing(int err)
{
	switch (err) {
	case ENOSYS:
	case EAFNOSUPPORT:
		return "the kernel has no TCP";
	case ENETUNREACH:
	case EADDRNOTAVAIL:
		return "there is no loopback interface";
	}
	return NULL;
}

/**
 * tcp_send_page - send a page, and wait until it has arrived
 * @out: of tcp_pair()
 * @in: of tcp_pair(); nothing else waits there to be received
 * @from: the page, of private memory
 * @len: its size
 *
 * Without a copy, so that it arrives in a page that is all its own.
 */
int tcp_send_page(int out, int in, const char *from, size_t len)
{
	struct pollfd pfd = { .fd = in, .events = POLLIN };
	int there = 0;

	if (send(out, from, len, MSG_ZEROCOPY) < 0 ||
	    poll(&pfd, 1, TCP_TIMEOUT) < 0 || ioctl(in, FIONREAD, &there))
		return errno;
	/* A segment of this size is not split. */
	return there == (int)len ? 0 : EMSGSIZE;
}

/* ENODATA: it succeeded, but there was no page that can be mapped. */
int tcp_receive_page(int in, const char *at, size_t len)
{
	struct tcp_zerocopy zc = { .address = (unsigned long)at, .length = len };
	socklen_t size = sizeof(zc);

	if (getsockopt(in, IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, &zc, &size))
		return errno;
	return zc.length == len ? 0 : ENODATA;
}
