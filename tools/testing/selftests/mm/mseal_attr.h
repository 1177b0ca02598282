/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by the tests of mseal(2): the seals as the design defines them, and
 * helpers that show what a range of addresses looks like.
 *
 * Nothing here is taken from the kernel's own tables: a test that used them
 * would agree with any mistake in them.
 */
#ifndef MSEAL_ATTR_H
#define MSEAL_ATTR_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <linux/mman.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef __NR_mseal
#define __NR_mseal		462
#endif
#ifndef __NR_map_shadow_stack
#define __NR_map_shadow_stack	453
#endif
#ifndef MSEAL_MAP
#define MSEAL_MAP		0x1UL
#define MSEAL_PROT		0x2UL
#define MSEAL_DISCARD		0x4UL
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED	24
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL	102
#define MADV_GUARD_REMOVE	103
#endif

#define MSEAL_ALL		(MSEAL_MAP | MSEAL_PROT | MSEAL_DISCARD)

/* The seals that flags set. No flag at all sets one of its own. */
#define SEAL_MAP		0x1
#define SEAL_PROT		0x2
#define SEAL_DISCARD_WEAK	0x4	/* flags == 0: private anonymous only */
#define SEAL_DISCARD		0x8

unsigned int seals_of(unsigned long flags);
const char *codes_of(unsigned int seals);
const char *flags_name(unsigned long flags);
const char *errno_name(int err);
int sys_mseal(const void *addr, size_t len, unsigned long flags);

/* A line of /proc/self/maps and the part of its VmFlags that matters. */
struct vma {
	unsigned long start, end;
	char perms[5];
	char codes[16];		/* of lm lp ld sl, in this order */
	char flags[128];	/* all of them */
};

bool vma_has_flag(const struct vma *vma, const char *flag);
char *read_proc(const char *path);
int write_proc(const char *path, const char *text);

struct range {
	const char *start, *end;
};

int read_vmas_of(const struct range *ranges, int nr_ranges,
		 struct vma *vmas, int max);
int read_vmas(const char *start, const char *end, struct vma *vmas, int max);

/*
 * Words at addresses, or the error of reading them. The kernel reads, so that
 * an address without memory causes an error and not a signal. A pipe accepts
 * all of a write or, on a bad address, nothing. Each thread has a pipe of its own.
 */
struct peeked {
	uint64_t word;
	int64_t err;		/* no padding: memcmp() compares them */
};

#define MAX_PEEKS	32

void peek_all(const char *const *addrs, int nr, struct peeked *p);
struct peeked peek(const char *addr);
int read_number(const char *path);
int uprobe_type(void);

#endif /* MSEAL_ATTR_H */
