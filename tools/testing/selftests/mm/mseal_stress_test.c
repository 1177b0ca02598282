// SPDX-License-Identifier: GPL-2.0-only
/*
 * Once mseal() has returned, what it sealed never changes again, whatever other
 * threads of the process are doing at that time.
 *
 * A round is a child process with one region. Workers do every operation on
 * mappings to random parts of it. A sealer seals random parts and records, right
 * after mseal() has returned, what it sealed:
 *
 *   MAP      the page is mapped, and from the same offset of the same file
 *   PROT     its protection
 *   DISCARD  its contents, if PROT is sealed as well and it is not writable
 *
 * When the workers have finished, all of that must still be true. Workers check
 * nothing themselves: any errno is fine, only this invariant counts.
 *
 *   mseal_stress_test [ROUNDS [STEPS [SEED]]]
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/mman.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL	102
#define MADV_GUARD_REMOVE	103
#endif

#define NR_PAGES	48
#define NR_WORKERS	4
#define NR_SEALS	24

#define PERMISSIONS	(PROCMAP_QUERY_VMA_READABLE | PROCMAP_QUERY_VMA_WRITABLE | \
			 PROCMAP_QUERY_VMA_EXECUTABLE | PROCMAP_QUERY_VMA_SHARED)

struct page_note {
	bool map, prot, content;
	uint64_t vma_flags;	/* PROCMAP_QUERY_VMA_* */
	uint64_t offset;	/* of the page in its file */
	uint64_t inode;
	uint64_t word;
};

static size_t page_size;
static char *region;
static int maps_fd, memfd;
static unsigned int nr_steps = 400;
static atomic_int running;
static struct page_note notes[NR_PAGES];

static _Thread_local sigjmp_buf fault_env;
static _Thread_local volatile sig_atomic_t fault_armed;

static void on_fault(int sig)
{
	if (!fault_armed)
		_exit(99);
	siglongjmp(fault_env, 1);
}

/* Read or write a word; false if the mapping does not permit it. */
static bool touch(char *at, bool write, uint64_t *word)
{
	bool ok = false;

	if (!sigsetjmp(fault_env, 1)) {
		fault_armed = 1;
		if (write)
			*(volatile uint64_t *)at = *word;
		else
			*word = *(volatile uint64_t *)at;
		ok = true;
	}
	fault_armed = 0;
	return ok;
}

static uint64_t next_random(uint64_t *state)
{
	/* xorshift64 */
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void random_range(uint64_t *state, char **start, size_t *len)
{
	const unsigned int first = next_random(state) % NR_PAGES;
	const unsigned int pages = 1 + next_random(state) % 6;

	*start = region + first * page_size;
	*len = page_size * (first + pages > NR_PAGES ? NR_PAGES - first : pages);
}

static int random_prot(uint64_t *state)
{
	static const int prots[] = {
		PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ,
	};

	return prots[next_random(state) % 4];
}

static void map_over(uint64_t *state, char *start, size_t len)
{
	const int prot = random_prot(state);

	switch (next_random(state) % 3) {
	case 0:
		mmap(start, len, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		break;
	case 1:
		mmap(start, len, prot, MAP_PRIVATE | MAP_FIXED, memfd, start - region);
		break;
	case 2:
		mmap(start, len, prot, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		break;
	}
}

static void step(uint64_t *state)
{
	/*
	 * MADV_WIPEONFORK is left out: Linux 7.3 with CONFIG_DEBUG_VM warns in
	 * assert_sane_pgoff() when a child splits a mapping that was moved and is
	 * wiped, sealed or not.
	 */
	static const int advice[] = {
		MADV_DONTNEED, MADV_FREE, MADV_REMOVE, MADV_DONTFORK, MADV_DOFORK,
		MADV_KEEPONFORK, MADV_PAGEOUT, MADV_COLD,
		MADV_GUARD_INSTALL, MADV_GUARD_REMOVE, MADV_DONTNEED,
	};
	uint64_t word = next_random(state);
	char *start, *to;
	size_t len, unused;
	pid_t pid;

	random_range(state, &start, &len);
	switch (next_random(state) % 12) {
	case 0:
	case 1:
		mprotect(start, len, random_prot(state));
		break;
	case 2:
		munmap(start, len);
		break;
	case 3:
		map_over(state, start, len);
		break;
	case 4:
	case 5:
	case 6:
		madvise(start, len, advice[next_random(state) % 12]);
		break;
	case 7:
		random_range(state, &to, &unused);
		if (to + len <= region + NR_PAGES * page_size)
			mremap(start, len, len, MREMAP_MAYMOVE | MREMAP_FIXED |
			       (next_random(state) % 2 ? MREMAP_DONTUNMAP : 0), to);
		break;
	case 8:
		mremap(start, len, len + page_size, 0);
		break;
	case 9:
		touch(start, true, &word);
		break;
	case 10:
		touch(start, false, &word);
		break;
	case 11:
		/* Rarely, because it copies the whole address space. */
		if (next_random(state) % 8)
			break;
		pid = fork();
		if (!pid) {
			munmap(start, len);
			_exit(0);
		}
		if (pid > 0)
			waitpid(pid, NULL, 0);
		break;
	}
}

static void *worker(void *arg)
{
	uint64_t state = (uintptr_t)arg;
	unsigned int i;

	for (i = 0; i < nr_steps; i++)
		step(&state);
	atomic_fetch_sub(&running, 1);
	return NULL;
}

/* Ask the kernel about the page at addr. False: it is not mapped. */
static bool query(char *addr, struct page_note *note)
{
	struct procmap_query query = {
		.size = sizeof(query),
		.query_addr = (uintptr_t)addr,
	};

	if (ioctl(maps_fd, PROCMAP_QUERY, &query))
		return false;
	note->vma_flags = query.vma_flags;
	note->inode = query.inode;
	note->offset = query.inode ?
		query.vma_offset + ((uintptr_t)addr - query.vma_start) : 0;
	return true;
}

static void seal_something(uint64_t *state)
{
	const unsigned long flags = next_random(state) % 8;
	const bool map = !flags || flags & MSEAL_MAP;
	const bool prot = !flags || flags & MSEAL_PROT;
	struct page_note now;
	char *start, *at;
	size_t len;

	random_range(state, &start, &len);
	if (syscall(__NR_mseal, start, len, flags))
		return;

	for (at = start; at < start + len; at += page_size) {
		struct page_note *note = &notes[(at - region) / page_size];
		const bool mapped = query(at, &now);

		/* Without MAP the mapping may go, and its other seals with it. */
		if (!map)
			continue;
		if (!mapped) {
			ksft_print_msg("%p: not mapped right after mseal(%lx)\n", at, flags);
			_exit(1);
		}
		if (!note->map) {
			note->map = true;
			note->inode = now.inode;
			note->offset = now.offset;
		}
		if (prot && !note->prot) {
			note->prot = true;
			note->vma_flags = now.vma_flags;
		}
		if ((flags & MSEAL_DISCARD) && note->prot && !note->content &&
		    !(note->vma_flags & PROCMAP_QUERY_VMA_WRITABLE) &&
		    !(note->vma_flags & PROCMAP_QUERY_VMA_SHARED) &&
		    (note->vma_flags & PROCMAP_QUERY_VMA_READABLE))
			note->content = touch(at, false, &note->word);
	}
}

static unsigned int check_notes(void)
{
	unsigned int i, kept = 0;

	for (i = 0; i < NR_PAGES; i++) {
		const struct page_note *note = &notes[i];
		char *at = region + i * page_size;
		struct page_note now;
		uint64_t changed, word;

		if (!note->map)
			continue;
		if (!query(at, &now)) {
			ksft_print_msg("page %u: MAP was sealed, but it is gone\n", i);
			_exit(1);
		}
		if (now.inode != note->inode || now.offset != note->offset) {
			ksft_print_msg("page %u: MAP was sealed, but %llx+%llx became %llx+%llx\n",
				       i, (unsigned long long)note->inode,
				       (unsigned long long)note->offset,
				       (unsigned long long)now.inode,
				       (unsigned long long)now.offset);
			_exit(1);
		}
		changed = note->vma_flags ^ now.vma_flags;
		if (note->prot && changed & PERMISSIONS) {
			ksft_print_msg("page %u: PROT was sealed, but %llx became %llx\n", i,
				       (unsigned long long)note->vma_flags,
				       (unsigned long long)now.vma_flags);
			_exit(1);
		}
		/* The rest of the flags are the seals, of which there are ever more. */
		if (changed & note->vma_flags & ~PERMISSIONS) {
			ksft_print_msg("page %u: a seal is gone: %llx became %llx\n", i,
				       (unsigned long long)note->vma_flags,
				       (unsigned long long)now.vma_flags);
			_exit(1);
		}
		if (note->content && (!touch(at, false, &word) || word != note->word)) {
			ksft_print_msg("page %u: DISCARD was sealed, but not kept\n", i);
			_exit(1);
		}
		kept++;
	}
	return kept;
}

static void round_of(uint64_t seed)
{
	struct sigaction action = { .sa_handler = on_fault, .sa_flags = SA_NODEFER };
	const size_t size = NR_PAGES * page_size;
	pthread_t threads[NR_WORKERS];
	uint64_t state = seed;
	unsigned int i;

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	maps_fd = open("/proc/self/maps", O_RDONLY);
	memfd = memfd_create("stress", 0);
	if (maps_fd < 0 || memfd < 0 || ftruncate(memfd, size))
		_exit(2);
	for (i = 0; i < size; i += sizeof(seed))
		if (pwrite(memfd, &seed, sizeof(seed), i) != sizeof(seed))
			_exit(2);
	region = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (region == MAP_FAILED)
		_exit(2);
	memset(region, 0x5a, size);

	atomic_store(&running, NR_WORKERS);
	for (i = 0; i < NR_WORKERS; i++)
		if (pthread_create(&threads[i], NULL, worker,
				   (void *)(uintptr_t)(next_random(&state) | 1)))
			_exit(2);
	for (i = 0; i < NR_SEALS && atomic_load(&running); i++) {
		seal_something(&state);
		sched_yield();
	}
	for (i = 0; i < NR_WORKERS; i++)
		pthread_join(threads[i], NULL);
	if (check_notes() == 0)
		_exit(3);
	_exit(0);
}

int main(int argc, char **argv)
{
	const unsigned int rounds = argc > 1 ? strtoul(argv[1], NULL, 0) : 20;
	const uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 0) : 1;
	unsigned int i, idle = 0, bad = 0;
	uint64_t state = seed * 0x9e3779b97f4a7c15ULL | 1;
	int status;
	pid_t pid;

	if (argc > 2)
		nr_steps = strtoul(argv[2], NULL, 0);
	page_size = sysconf(_SC_PAGESIZE);
	ksft_print_header();
	ksft_set_plan(1);
	ksft_print_msg("%u rounds, %u workers, %u steps each, seed %llu\n", rounds,
		       NR_WORKERS, nr_steps, (unsigned long long)seed);

	for (i = 0; i < rounds && !bad; i++) {
		const uint64_t round_seed = next_random(&state);

		fflush(stdout);
		pid = fork();
		if (!pid)
			round_of(round_seed);
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			ksft_exit_fail_msg("fork: %s\n", strerror(errno));
		if (WIFEXITED(status) && WEXITSTATUS(status) == 3) {
			idle++;
		} else if (status) {
			ksft_print_msg("round %u, seed %llx: status %x\n", i,
				       (unsigned long long)round_seed, status);
			bad++;
		}
	}
	if (idle == rounds)
		ksft_print_msg("no round sealed anything: nothing was tested\n");
	ksft_print_msg("%u of %u rounds had seals to check\n", i - idle, i);
	ksft_test_result(!bad && idle < rounds,
			 "what was sealed when mseal() returned never changed again\n");
	ksft_finished();
}
