// SPDX-License-Identifier: GPL-2.0-only
/*
 * PROCMAP_QUERY and the seals of mseal(2): they are returned, they are filters, and a
 * kernel that does not know them says so.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kselftest_harness.h"

#ifndef __NR_mseal
#define __NR_mseal	462
#endif

#define MAP	PROCMAP_QUERY_VMA_SEALED_MAP
#define PROT	PROCMAP_QUERY_VMA_SEALED_PROT
#define DISCARD	PROCMAP_QUERY_VMA_SEALED_DISCARD
#define WEAK	PROCMAP_QUERY_VMA_SEALED_WEAK
#define SEALS	(MAP | PROT | DISCARD | WEAK)

/* The values that programs are compiled with. */
_Static_assert(MAP == 0x40 && PROT == 0x80 && DISCARD == 0x100 && WEAK == 0x200, "");

/* What each value of mseal()'s flags shows as. */
static const unsigned int shown[] = {
	MAP | PROT | WEAK,
	MAP,
	PROT,
	MAP | PROT,
	DISCARD | WEAK,
	MAP | DISCARD | WEAK,
	PROT | DISCARD | WEAK,
	MAP | PROT | DISCARD | WEAK,
};

#define NR_SEALED	8
/* A mapping with each value of the flags, and one without a seal. */
#define NR_MAPPINGS	(NR_SEALED + 1)

FIXTURE(seals) {
	int fd;
	size_t page;
	char *at;
};

static int query(int fd, uint64_t flags, const void *addr, struct procmap_query *q)
{
	*q = (struct procmap_query){
		.size = sizeof(*q), .query_flags = flags, .query_addr = (uintptr_t)addr,
	};
	return ioctl(fd, PROCMAP_QUERY, q) ? errno : 0;
}

/* Every other page, so that no two of the mappings can merge. */
static char *mapping_at(char *at, size_t page, int nr)
{
	return at + 2 * nr * page;
}

FIXTURE_SETUP(seals)
{
	struct procmap_query q;
	int err;

	self->page = sysconf(_SC_PAGESIZE);
	self->fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	self->at = mmap(NULL, 2 * NR_MAPPINGS * self->page, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->at);

	/* The way to tell an old kernel, whose mseal() knows no flags either. */
	err = query(self->fd, MAP, self->at, &q);
	if ((err == EINVAL || err == ENOTTY) && syscall(__NR_mseal, self->at, 0, 7))
		SKIP(return, "this kernel knows no seals but mainline's");
	ASSERT_EQ(ENOENT, err);

	for (int i = 0; i < NR_MAPPINGS; i++) {
		char *at = mapping_at(self->at, self->page, i);

		ASSERT_EQ(0, mprotect(at, self->page, PROT_READ));
		if (i < NR_SEALED)
			ASSERT_EQ(0, syscall(__NR_mseal, at, self->page, i));
	}
}

FIXTURE_TEARDOWN(seals)
{
	close(self->fd);
}

TEST_F(seals, returned)
{
	struct procmap_query q;

	for (int i = 0; i < NR_MAPPINGS; i++) {
		ASSERT_EQ(0, query(self->fd, 0, mapping_at(self->at, self->page, i), &q));
		EXPECT_EQ(i < NR_SEALED ? shown[i] : 0, q.vma_flags & SEALS)
			TH_LOG("flags %d", i);
		EXPECT_EQ(PROCMAP_QUERY_VMA_READABLE, q.vma_flags & ~(uint64_t)SEALS);
	}
}

/* Each set of seals finds the mappings that have all of them, and no others. */
TEST_F(seals, filter)
{
	struct procmap_query q;

	for (unsigned int set = 0; set < 16; set++) {
		const uint64_t filter = set * MAP;

		for (int i = 0; i < NR_MAPPINGS; i++) {
			const unsigned int has = i < NR_SEALED ? shown[i] : 0;

			EXPECT_EQ((has & filter) == filter ? 0 : ENOENT,
				  query(self->fd, filter, mapping_at(self->at, self->page, i), &q))
				TH_LOG("flags %d, filter 0x%llx", i, (unsigned long long)filter);
		}
	}
}

TEST_F(seals, next)
{
	const uint64_t end = (uintptr_t)mapping_at(self->at, self->page, NR_MAPPINGS);

	for (unsigned int set = 1; set < 16; set++) {
		const uint64_t filter = set * MAP | PROCMAP_QUERY_COVERING_OR_NEXT_VMA;
		struct procmap_query q = { .vma_end = (uintptr_t)self->at };

		for (int i = 0; i < NR_SEALED; i++) {
			if (~shown[i] & set * MAP)
				continue;
			ASSERT_EQ(0, query(self->fd, filter, (void *)(uintptr_t)q.vma_end, &q));
			EXPECT_EQ((uintptr_t)mapping_at(self->at, self->page, i), q.vma_start);
		}
		/* None is left here; the system mappings may be sealed as well. */
		if (!query(self->fd, filter, (void *)(uintptr_t)q.vma_end, &q))
			EXPECT_LE(end, q.vma_start);
	}
}

TEST_F(seals, with_permissions)
{
	char *at = mapping_at(self->at, self->page, 1);
	struct procmap_query q;

	EXPECT_EQ(0, query(self->fd, PROCMAP_QUERY_VMA_READABLE | MAP, at, &q));
	EXPECT_EQ(ENOENT, query(self->fd, PROCMAP_QUERY_VMA_WRITABLE | MAP, at, &q));
	EXPECT_EQ(ENOENT, query(self->fd, PROCMAP_QUERY_FILE_BACKED_VMA | MAP, at, &q));
}

TEST_F(seals, unknown_flag)
{
	struct procmap_query q;

	EXPECT_EQ(EINVAL, query(self->fd, WEAK << 1, self->at, &q));
	EXPECT_EQ(EINVAL, query(self->fd, MAP | 1ULL << 63, self->at, &q));
}

TEST_HARNESS_MAIN
