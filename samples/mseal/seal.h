/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mseal(2) with flags, for programs that also have to run on kernels without the flags or
 * without the call. Header only: copy it.
 */
#ifndef SAMPLES_SEAL_H
#define SAMPLES_SEAL_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef __NR_mseal
#define __NR_mseal	462	/* everywhere but on alpha and MIPS */
#endif
#ifndef MSEAL_MAP
#define MSEAL_MAP	0x1	/* where it is, and that it stays */
#define MSEAL_PROT	0x2	/* what it permits */
#define MSEAL_DISCARD	0x4	/* what it holds, unless writable */
#endif

/**
 * enum seal_result - What became of a request to seal
 * @SEAL_DONE: sealed with the flags
 * @SEAL_ALL: the kernel has no flags, so all of it is sealed that can be
 * @SEAL_NONE: not sealed: the kernel cannot, and sealing everything was not wanted
 * @SEAL_ERROR: not sealed, see errno
 */
enum seal_result { SEAL_DONE, SEAL_ALL, SEAL_NONE, SEAL_ERROR };

/* Does the kernel know these flags? A call of length 0 seals nothing. */
static inline int seal_supported(unsigned long flags)
{
	return !syscall(__NR_mseal, NULL, 0, flags);
}

/**
 * seal() - Seal the whole pages of a range
 * @addr: its first address
 * @len: its length
 * @flags: MSEAL_*
 * @or_all: on a kernel without flags, seal everything instead of nothing? Only for
 *	memory that is never unmapped again, and that nobody wants to empty
 *
 * A page that the range only begins or ends in is left alone: what else is in it is not
 * ours to seal.
 */
static inline enum seal_result seal(const void *addr, size_t len, unsigned long flags,
				    int or_all)
{
	const uintptr_t page = sysconf(_SC_PAGESIZE);
	const uintptr_t start = ((uintptr_t)addr + page - 1) & -page;
	const uintptr_t end = ((uintptr_t)addr + len) & -page;

	if (start >= end)
		return SEAL_DONE;
	if (!seal_supported(flags)) {
		if (!or_all || !seal_supported(0))
			return SEAL_NONE;
		return syscall(__NR_mseal, start, end - start, 0) ? SEAL_ERROR : SEAL_ALL;
	}
	return syscall(__NR_mseal, start, end - start, flags) ? SEAL_ERROR : SEAL_DONE;
}

/* For the samples: print what a call did, and count what was not expected. */
static int seal_surprises;

static inline void seal_report(const char *what, int failed, int want_refused)
{
	printf("%-40s %s\n", what, failed ? strerror(errno) : "done");
	if (!!failed != want_refused)
		seal_surprises++;
}

/* And what seal() answered. True if the flags are in force. */
static inline int seal_say(const char *what, enum seal_result result)
{
	static const char *const texts[] = {
		"sealed", "all of it sealed: this kernel has no flags",
		"not sealed: this kernel has no flags for mseal()", "failed",
	};

	printf("%-40s %s\n", what, texts[result]);
	if (result == SEAL_ERROR)
		seal_surprises++;
	return result == SEAL_DONE;
}

#endif /* SAMPLES_SEAL_H */
