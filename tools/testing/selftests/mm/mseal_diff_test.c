// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random calls on random layouts, sealed by mseal(2) with flags 0: what does this
 * kernel answer, and what is mapped afterwards? Two kernels are compared by running
 * this on both; scripts/mseal/tests/differential does that and knows which
 * differences are meant to be.
 *
 * A case is a list of steps: mappings in an arena at a fixed address, mseal() of
 * parts of them, then one to six calls. All of it is drawn from the seed and the
 * number of the case before the first step runs, so no answer of a kernel changes
 * what comes next. A seal cannot be removed, so a case leaves its arena behind, and
 * the process ends after a few of them.
 *
 * The text of a case has a line per step, with its result, and after each call the
 * VMAs of the arena: their place, permissions, object, VmFlags and pages. Looking
 * at them faults no page in. A page is one of
 *
 *   .      not present
 *   g      a guard page
 *   s      swapped out
 *   12af   present; the first word of its contents
 *   12af*  the same, in a mapping of a file, but a private copy
 *   ?      present, but the mapping cannot be read; at the end of a case, it is
 *
 * VmFlags are those of /proc/self/smaps. "lm lp sl", what this kernel shows for
 * flags 0, is printed as "sl"; any other set of these is printed as it is.
 *
 *   mseal_diff_test [OPTION...] FIRST [COUNT]	a hash of each case
 *	--text		the text of each case, with the VMAs after each step from the
 *			end of the layout on; the hash has them after calls only
 *	--every		the VMAs after each step
 *	--seed N	another stream of cases (default 1)
 *	--list FILE	these cases; a line is a number and, optionally, a mask of
 *			the steps to run, in hexadecimal
 *	--plant WHAT	answer wrongly, so that the comparison has something to find
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <linux/mman.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest.h"

#ifndef __NR_mseal
#define __NR_mseal		462
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED	24
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE		25
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL	102
#define MADV_GUARD_REMOVE	103
#endif
#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE		0x08
#endif
#ifndef PR_SET_VMA
#define PR_SET_VMA		0x53564d41
#define PR_SET_VMA_ANON_NAME	0
#endif
#ifndef PIDFD_SELF
#define PIDFD_SELF		-10000
#endif

#define PAGE		4096UL
/*
 * Below the program, so that it comes first in /proc/self/smaps. A huge page may
 * follow, up to where the program begins.
 */
#define NR_PAGES	64
#define LAYOUT_PAGES	48
#define HUGE_PAGES	512
#define HUGE_START	0xa00000UL
#define HUGE_END	(HUGE_START + HUGE_PAGES * PAGE)
/*
 * Several cases share a process, for a fork is expensive. What they leave behind
 * must not come before the arena in smaps: the next one is below the last.
 */
#define NR_ARENAS	16
#define ARENA_STRIDE	((NR_PAGES + 4) * PAGE)
#define HEAP_PAGES	32
#define FILE_PAGES	16
#define SHM_PAGES	6
#define MAX_STEPS	64
#define MAX_VEC		4
#define MAX_REGIONS	12
#define MAX_BORDERS	40
#define TEXT_SIZE	(512 << 10)

enum op {
	OP_MMAP, OP_SHMAT, OP_STORE, OP_LOAD, OP_MLOCK, OP_MUNLOCK, OP_MUNMAP,
	OP_MPROTECT, OP_PKEY_MPROTECT, OP_PKEY_RIGHTS, OP_MREMAP, OP_MADVISE,
	OP_PROCESS_MADVISE, OP_SHMDT, OP_BRK, OP_FORK, OP_MSEAL, OP_REMAP_FILE_PAGES,
	OP_NAME, OP_MAX_MAP_COUNT,
};

enum kind {
	ANON, ANON_SHARED, FILE_PRIVATE, FILE_SHARED, FILE_SHARED_RO, MEMFD_PRIVATE,
	MEMFD_SHARED, GROWSDOWN, NORESERVE, DROPPABLE, HUGE, NR_KINDS,
};

enum base { IN_ARENA, IN_HEAP, IN_MOVED };

struct range {
	enum base base;
	int page, pages;
	int addr_add, len_add;	/* bytes, for ranges that are not whole pages */
};

struct step {
	enum op op;
	bool call;		/* not of the layout: show what is mapped afterwards */
	struct range at, to;
	int prot, kind, flags, pgoff, advice;
	struct range vec[MAX_VEC];
	int nr_vec;
};

static struct step steps[MAX_STEPS];
static int nr_steps, nr_layout;	/* those of the layout come first */
static int borders[MAX_BORDERS], nr_borders;

static enum { NO_PLANT, PLANT_SHORT, PLANT_ERRNO, PLANT_HALF } plant;
static bool every, show;

/* What is printed about a case; shared, so that it survives the case. */
static struct {
	size_t len;
	char buf[TEXT_SIZE];
} *text;

static void __printf(1, 2) say(const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text->buf + text->len, TEXT_SIZE - text->len, fmt, args);
	va_end(args);
	if (n < 0 || n >= (int)(TEXT_SIZE - text->len))
		_exit(97);
	text->len += n;
}

static void __noreturn die(const char *what)
{
	fprintf(stderr, "mseal_diff_test: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* The generator of cases. */

static uint64_t random_state;

static uint64_t next_random(void)
{
	/* xorshift64* */
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1dULL;
}

static void seed_random(uint64_t seed, uint64_t nr)
{
	uint64_t z = seed * 0x9e3779b97f4a7c15ULL + nr;

	/* splitmix64, so that neighbours have nothing in common */
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL + 0x9e3779b97f4a7c15ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	random_state = (z ^ (z >> 31)) ?: 1;
	next_random();
}

static int below(int n)
{
	return (next_random() >> 33) % n;
}

static bool one_in(int n)
{
	return !below(n);
}

#define PICK(array)	((array)[below(ARRAY_SIZE(array))])

static struct step *add(enum op op)
{
	struct step *step;

	if (nr_steps == MAX_STEPS)
		die("too many steps");
	step = &steps[nr_steps++];
	*step = (struct step){ .op = op };
	return step;
}

static struct range pages(int page, int nr)
{
	return (struct range){ .page = page, .pages = nr };
}

static void add_border(int page)
{
	if (nr_borders < MAX_BORDERS)
		borders[nr_borders++] = page;
}

/* Move a range down if it would end behind the arena. */
static void keep_inside(struct range *r)
{
	const int last = NR_PAGES - 1 - r->pages;

	if (r->base == IN_ARENA && r->page > last)
		r->page = last < 0 ? 0 : last;
}

static bool with_heap, with_huge, with_keys, with_growsdown, with_limit;
static bool laid_out[LAYOUT_PAGES + SHM_PAGES];	/* pages with a mapping */

/* A range of a call: it often begins and ends where a mapping does. */
static struct range some_range(void)
{
	struct range r = { };
	int end;

	if (with_heap && one_in(5)) {
		r.base = IN_HEAP;
		r.page = below(10);
		r.pages = 1 + below(8);
	} else if (one_in(20)) {
		r.base = IN_MOVED;
		r.page = below(3);
		r.pages = 1 + below(4);
	} else {
		r.page = below(5) < 3 ? borders[below(nr_borders)] : below(LAYOUT_PAGES);
		end = r.page + 1 + below(8);
		for (int tries = 0; tries < 4 && below(5) < 4; tries++) {
			const int border = borders[below(nr_borders)];

			if (border > r.page) {
				end = border;
				break;
			}
		}
		if (with_huge && one_in(4))
			end = NR_PAGES + (one_in(2) ? HUGE_PAGES : 1 + below(HUGE_PAGES));
		r.pages = end - r.page;
	}
	if (one_in(50)) {
		switch (below(4)) {
		case 0:
			r.addr_add = 1 + below(4095);
			break;
		case 1:
			r.len_add = -(1 + below(4095));
			break;
		case 2:
			r.len_add = 1 + below(4095);
			break;
		case 3:
			r.pages = 0;
			break;
		}
	}
	return r;
}

static int some_prot(void)
{
	static const int prots[] = {
		PROT_READ, PROT_READ, PROT_READ, PROT_READ | PROT_WRITE,
		PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_NONE, PROT_NONE,
		PROT_READ | PROT_EXEC,
	};

	return PICK(prots);
}

static int some_kind(void)
{
	static const int kinds[] = {
		ANON, ANON, ANON, ANON, ANON, ANON_SHARED, FILE_PRIVATE, FILE_PRIVATE,
		FILE_SHARED, FILE_SHARED_RO, MEMFD_PRIVATE, MEMFD_PRIVATE, MEMFD_SHARED,
		MEMFD_SHARED, NORESERVE, DROPPABLE,
	};

	return with_growsdown && one_in(4) ? GROWSDOWN : PICK(kinds);
}

static int some_advice(void)
{
	static const int common[] = {
		MADV_DONTNEED, MADV_DONTNEED, MADV_FREE, MADV_FREE, MADV_REMOVE,
		MADV_DONTFORK, MADV_DOFORK, MADV_WIPEONFORK, MADV_KEEPONFORK,
		MADV_DONTNEED_LOCKED, MADV_GUARD_INSTALL, MADV_GUARD_REMOVE,
	};
	static const int rare[] = {
		MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED,
		MADV_MERGEABLE, MADV_UNMERGEABLE, MADV_HUGEPAGE, MADV_NOHUGEPAGE,
		MADV_DONTDUMP, MADV_DODUMP, MADV_COLD, MADV_PAGEOUT, MADV_PAGEOUT,
		MADV_POPULATE_READ, MADV_POPULATE_WRITE, MADV_COLLAPSE, 77,
	};

	return below(3) ? PICK(common) : PICK(rare);
}

/* A mapping of the layout, with what has been done to it before it is sealed. */
static void gen_mapping(int page, int nr, int kind, int pgoff)
{
	static const int advices[] = {
		MADV_DONTFORK, MADV_DONTFORK, MADV_WIPEONFORK, MADV_WIPEONFORK,
		MADV_DONTDUMP, MADV_SEQUENTIAL, MADV_FREE, MADV_GUARD_INSTALL,
		MADV_GUARD_INSTALL,
	};
	const bool may_write = kind != FILE_SHARED_RO;
	const bool store = may_write && below(3);
	const int prot = some_prot();
	struct step *step;
	int first, some;

	first = below(nr);
	some = 1 + below(nr - first);

	step = add(OP_MMAP);
	step->at = pages(page, nr);
	step->kind = kind;
	step->pgoff = pgoff;
	step->prot = store ? PROT_READ | PROT_WRITE : prot;
	if (store) {
		step = add(OP_STORE);
		step->at = one_in(2) ? pages(page, nr) : pages(page + first, some);
	}
	if (nr_steps > 44)
		return;
	if (store && one_in(8)) {
		step = add(OP_MADVISE);
		step->at = one_in(2) ? pages(page, nr) : pages(page + first, some);
		step->advice = PICK(advices);
	}
	if (store && prot != (PROT_READ | PROT_WRITE)) {
		step = add(OP_MPROTECT);
		step->at = pages(page, nr);
		step->prot = prot;
	}
	if (!store && one_in(3)) {
		step = add(OP_LOAD);
		step->at = pages(page + first, some);
	}
	if (one_in(10)) {
		step = add(OP_MADVISE);
		step->at = one_in(2) ? pages(page, nr) : pages(page + first, some);
		step->advice = PICK(advices);
	}
	if (one_in(12)) {
		step = add(OP_MLOCK);
		step->at = one_in(2) ? pages(page, nr) : pages(page + first, some);
	}
	if (with_keys && one_in(2)) {
		step = add(OP_PKEY_MPROTECT);
		step->at = one_in(2) ? pages(page, nr) : pages(page + first, some);
		step->prot = some_prot();
	}
	if (one_in(20)) {
		step = add(OP_NAME);
		step->at = pages(page, nr);
		step->flags = below(3);
	}
}

static void gen_layout(void)
{
	const int nr = 3 + below(6);
	int page = below(4), kind = ANON, pgoff = 0, shm_left = 1;
	struct step *step;

	for (int i = 0; i < nr && page < LAYOUT_PAGES - 6 && nr_steps < 44; i++) {
		int len = 1 + below(6);

		if (one_in(5))
			page += 1 + below(3);
		add_border(page);
		if (shm_left && one_in(10)) {
			shm_left = 0;
			step = add(OP_SHMAT);
			step->at = pages(page, SHM_PAGES);
			step->flags = one_in(3) ? SHM_RDONLY : 0;
			if (one_in(2)) {
				step = add(OP_STORE);
				step->at = pages(page, SHM_PAGES);
			}
			if (one_in(2)) {
				step = add(OP_MPROTECT);
				step->at = pages(page + below(3), 1 + below(3));
				step->prot = some_prot();
			}
			len = SHM_PAGES;
		} else {
			/* Often something that can be merged with the last one. */
			if (i && one_in(3)) {
				pgoff += len;
			} else {
				kind = some_kind();
				pgoff = below(FILE_PAGES - 4);
			}
			gen_mapping(page, len, kind, pgoff);
			pgoff += len;
		}
		for (int p = page; p < page + len; p++)
			laid_out[p] = true;
		page += len;
		add_border(page);
	}
	if (with_huge) {
		step = add(OP_MMAP);
		step->at = pages(NR_PAGES - 2, 2);
		step->prot = PROT_READ | PROT_WRITE;
		step = add(OP_MMAP);
		step->at = pages(NR_PAGES, HUGE_PAGES);
		step->prot = PROT_READ | PROT_WRITE;
		step->kind = HUGE;
		add_border(NR_PAGES);
		add_border(NR_PAGES - 2);
	}
	if (with_heap) {
		step = add(OP_BRK);
		step->at = (struct range){ .base = IN_HEAP, .page = 4 + below(8) };
		step = add(OP_STORE);
		step->at = (struct range){ .base = IN_HEAP, .page = below(4),
					   .pages = 1 + below(4) };
	}
}

static void gen_mseal(bool odd)
{
	struct step *step = add(OP_MSEAL);

	step->at = some_range();
	if (odd) {
		step->call = true;
		return;
	}

	/* One that succeeds: up to the first gap. */
	step->at.addr_add = 0;
	step->at.len_add = 0;
	if (step->at.base != IN_ARENA || below(5) == 0)
		return;
	for (int i = 0; i < step->at.pages; i++) {
		const int page = step->at.page + i;

		if (page < LAYOUT_PAGES + SHM_PAGES && i && !laid_out[page]) {
			step->at.pages = i;
			break;
		}
	}
}

static void gen_mremap(struct step *step)
{
	const int form = below(12);

	step->at = some_range();
	step->to = pages(below(NR_PAGES - 8), step->at.pages);
	if (one_in(2))
		step->to.page = borders[below(nr_borders)];
	if (with_heap && one_in(10))
		step->to.base = IN_HEAP;
	switch (form) {
	case 0:			/* shrink */
		step->to.pages = 1 + below(step->at.pages ?: 1);
		step->flags = one_in(2) ? MREMAP_MAYMOVE : 0;
		break;
	case 1:			/* grow */
		step->to.pages += 1 + below(4);
		step->flags = one_in(2) ? MREMAP_MAYMOVE : 0;
		break;
	case 2:			/* the same size */
		step->flags = one_in(2) ? MREMAP_MAYMOVE : 0;
		break;
	case 3:			/* a duplicate */
		step->to.pages = step->at.pages;
		step->at.pages = 0;
		step->flags = MREMAP_MAYMOVE | (one_in(2) ? MREMAP_FIXED : 0);
		break;
	case 4:			/* move and shrink */
		step->to.pages = 1 + below(step->at.pages ?: 1);
		step->flags = MREMAP_MAYMOVE | MREMAP_FIXED;
		break;
	case 5:			/* move and grow */
		step->to.pages += 1 + below(3);
		step->flags = MREMAP_MAYMOVE | MREMAP_FIXED;
		break;
	case 6:
		step->flags = MREMAP_MAYMOVE | MREMAP_DONTUNMAP;
		break;
	case 7:
	case 8:
		step->flags = MREMAP_MAYMOVE | MREMAP_DONTUNMAP | MREMAP_FIXED;
		break;
	default:		/* move, of several VMAs perhaps */
		step->flags = MREMAP_MAYMOVE | MREMAP_FIXED;
		break;
	}
	keep_inside(&step->to);
}

static void gen_process_madvise(struct step *step)
{
	struct range all = some_range();
	int page = all.page;

	/* Elements that do not overlap, lowest first. */
	step->advice = some_advice();
	step->nr_vec = 1 + below(MAX_VEC);
	for (int i = 0; i < step->nr_vec; i++) {
		step->vec[i] = all;
		step->vec[i].page = page;
		step->vec[i].pages = 1 + below(i ? 3 : 5);
		page += step->vec[i].pages + (one_in(3) ? below(4) : 0);
		keep_inside(&step->vec[i]);
	}
}

static void gen_call(void)
{
	static const enum op ops[] = {
		OP_MUNMAP, OP_MUNMAP, OP_MUNMAP, OP_MUNMAP,
		OP_MMAP, OP_MMAP, OP_MMAP, OP_MMAP,
		OP_MPROTECT, OP_MPROTECT, OP_MPROTECT, OP_MPROTECT, OP_MPROTECT,
		OP_MPROTECT,
		OP_MREMAP, OP_MREMAP, OP_MREMAP, OP_MREMAP, OP_MREMAP, OP_MREMAP,
		OP_MREMAP, OP_MREMAP,
		OP_MADVISE, OP_MADVISE, OP_MADVISE, OP_MADVISE, OP_MADVISE, OP_MADVISE,
		OP_MADVISE, OP_MADVISE, OP_MADVISE, OP_MADVISE,
		OP_PROCESS_MADVISE, OP_PROCESS_MADVISE,
		OP_SHMAT, OP_SHMDT, OP_SHMDT, OP_BRK, OP_FORK, OP_MSEAL,
		OP_MSEAL, OP_MLOCK, OP_MUNLOCK, OP_REMAP_FILE_PAGES, OP_NAME, OP_STORE,
		OP_STORE, OP_LOAD, OP_PKEY_MPROTECT, OP_PKEY_RIGHTS,
	};
	struct step *step;
	enum op op = PICK(ops);

	if (with_limit && one_in(3))
		op = OP_MSEAL;
	if (op == OP_BRK && !with_heap)
		op = OP_MUNMAP;
	if ((op == OP_PKEY_MPROTECT || op == OP_PKEY_RIGHTS) && !with_keys)
		op = OP_MPROTECT;
	if (op == OP_SHMDT || op == OP_SHMAT) {
		bool shm = false;

		for (int i = 0; i < nr_steps; i++)
			shm |= steps[i].op == OP_SHMAT;
		if (!shm && below(4))
			op = OP_MADVISE;
	}
	if (op == OP_MSEAL) {
		gen_mseal(true);
		return;
	}

	step = add(op);
	step->call = true;
	step->at = some_range();
	step->prot = some_prot();
	switch (op) {
	case OP_MMAP:
		step->kind = some_kind();
		step->pgoff = below(FILE_PAGES - 4);
		if (one_in(8))
			step->flags = MAP_FIXED_NOREPLACE;
		break;
	case OP_MPROTECT:
		if (one_in(20))
			step->prot |= PROT_GROWSDOWN;
		break;
	case OP_MREMAP:
		gen_mremap(step);
		break;
	case OP_MADVISE:
		step->advice = some_advice();
		break;
	case OP_PROCESS_MADVISE:
		gen_process_madvise(step);
		break;
	case OP_SHMAT:
		step->at.pages = SHM_PAGES;
		keep_inside(&step->at);
		step->flags = one_in(3) ? SHM_RDONLY : 0;
		break;
	case OP_SHMDT:
		for (int i = 0; i < nr_steps; i++) {
			if (steps[i].op == OP_SHMAT && below(6))
				step->at = steps[i].at;
			if (steps[i].op == OP_MREMAP && one_in(8))
				step->at = steps[i].to;
		}
		break;
	case OP_BRK:
		step->at = (struct range){ .base = IN_HEAP, .page = below(14) };
		break;
	case OP_REMAP_FILE_PAGES:
		step->pgoff = below(FILE_PAGES);
		break;
	case OP_NAME:
		step->flags = below(3);
		break;
	case OP_PKEY_RIGHTS:
		step->flags = below(3);
		break;
	default:
		break;
	}
}

static void gen_case(uint64_t seed, uint64_t nr)
{
	bool limit;
	int n;

	seed_random(seed, nr);
	nr_steps = 0;
	nr_borders = 0;
	memset(laid_out, 0, sizeof(laid_out));
	with_heap = one_in(12);
	with_huge = nr % NR_ARENAS == 0;
	with_keys = one_in(6);
	with_growsdown = one_in(16);
	with_limit = one_in(10);
	limit = with_limit;

	gen_layout();
	nr_layout = nr_steps;
	n = 1 + below(3);
	for (int i = 0; i < n; i++) {
		if (limit && i == n - 1 && one_in(2)) {
			add(OP_MAX_MAP_COUNT)->flags = below(4);
			limit = false;
		}
		gen_mseal(false);
		steps[nr_steps - 1].call = i == n - 1;
	}
	if (limit)
		add(OP_MAX_MAP_COUNT)->flags = below(4);
	n = 1 + below(6);
	for (int i = 0; i < n; i++)
		gen_call();
}

/* Running a case. */

struct region {
	char name[4];
	unsigned long start, end;
};

static struct region regions[MAX_REGIONS];
static int nr_regions;
static unsigned long arena, heap, moved;
static int smaps_fd, pagemap_fd, mem_fd, pipe_fds[2];
static int file_fd, file_ro_fd, memfd_fd, shm_id, pkey;
static struct { dev_t dev; ino_t ino; const char *name; } objects[3];
static unsigned long unknown_inos[16];
static int nr_unknown_inos;
static unsigned int pkey_ok_to_write[16];

static sigjmp_buf fault_env;
static volatile sig_atomic_t fault_armed;

static void on_fault(int sig)
{
	if (!fault_armed)
		_exit(96);
	siglongjmp(fault_env, 1);
}

static unsigned long addr_of(const struct range *r)
{
	const unsigned long base = r->base == IN_HEAP ? heap :
				   r->base == IN_MOVED && moved ? moved : arena;

	return base + r->page * PAGE + r->addr_add;
}

static unsigned long len_of(const struct range *r)
{
	long len = r->pages * (long)PAGE + r->len_add;

	return len < 0 ? 0 : len;
}

static const struct region *region_of(unsigned long addr)
{
	for (int i = 0; i < nr_regions; i++) {
		if (addr >= regions[i].start && addr < regions[i].end)
			return &regions[i];
	}
	return NULL;
}

static void say_addr(unsigned long addr)
{
	const struct region *region = region_of(addr);

	if (!region) {
		say("0x%lx", addr);
		return;
	}
	say("%s%lu", region->name, (addr - region->start) / PAGE);
	if (addr % PAGE)
		say(".%lu", addr % PAGE);
}

/* A range as numbers that do not depend on where it is. */
static void say_range(const struct range *r)
{
	say(" ");
	say_addr(addr_of(r));
	say("+%lu", len_of(r) / PAGE);
	if (len_of(r) % PAGE)
		say(".%lu", len_of(r) % PAGE);
}

static const char *prot_name(int prot)
{
	static char buf[8];

	snprintf(buf, sizeof(buf), "%c%c%c%s", prot & PROT_READ ? 'r' : '-',
		 prot & PROT_WRITE ? 'w' : '-', prot & PROT_EXEC ? 'x' : '-',
		 prot & PROT_GROWSDOWN ? "G" : "");
	return buf;
}

static void new_region(unsigned long addr, unsigned long len)
{
	struct region *region;

	if (region_of(addr))
		return;
	moved = addr;
	if (nr_regions == MAX_REGIONS)
		return;
	region = &regions[nr_regions++];
	snprintf(region->name, sizeof(region->name), "%c", 'K' + nr_regions);
	region->start = addr;
	region->end = addr + (len + PAGE - 1) / PAGE * PAGE;
}

static const char *object_name(unsigned long dev, unsigned long ino, const char *path)
{
	static char buf[8];

	if (!strncmp(path, "/SYSV", 5))
		return "shm";
	for (int i = 0; i < 3; i++) {
		if (objects[i].name && objects[i].ino == ino && objects[i].dev == dev)
			return objects[i].name;
	}
	for (int i = 0; i < 16; i++) {
		if (i == nr_unknown_inos)
			unknown_inos[nr_unknown_inos++] = ino;
		if (unknown_inos[i] == ino) {
			snprintf(buf, sizeof(buf), "z%d", i);
			return buf;
		}
	}
	return "z";
}

struct vma {
	unsigned long start, end, pgoff, ino, dev;
	bool file;			/* of SysV shared memory, the inode may be 0 */
	char perms[8], path[64], flags[128];
	int pkey;
	const struct region *region;
	unsigned long pages_start;	/* what of it lies in the region */
	int first, nr;			/* of the pages, in the arrays below */
};

#define MAX_VMAS	128
#define MAX_SEEN	1024

static struct vma vmas[MAX_VMAS];
static int nr_vmas;
static uint64_t page_map[MAX_SEEN], words[MAX_SEEN];
static unsigned long page_at[MAX_SEEN];
static bool cannot_read[MAX_SEEN];
static int nr_seen;

/* The kernel's order is "lm lp sl". Only this set stands for mseal() with flags 0. */
static void canonical_flags(char *flags)
{
	char *seals = strstr(flags, " lm lp sl");

	if (seals && !strstr(flags, " ld"))
		memmove(seals, seals + 6, strlen(seals + 6) + 1);
}

static char *skip_hex(char *p, unsigned long *value)
{
	*value = strtoul(p, &p, 16);
	return p + 1;
}

static void add_vma(const struct vma *vma)
{
	struct vma *new = &vmas[nr_vmas];
	unsigned long end;

	new->region = NULL;
	for (int i = 0; i < nr_regions && !new->region; i++) {
		if (vma->start < regions[i].end && vma->end > regions[i].start)
			new->region = &regions[i];
	}
	if (!new->region)
		return;
	if (++nr_vmas == MAX_VMAS)
		_exit(98);
	new->pages_start = new->start > new->region->start ? new->start :
							     new->region->start;
	end = new->end < new->region->end ? new->end : new->region->end;
	if (strstr(new->flags, " ht"))
		end = new->pages_start + PAGE;
	new->nr = (end - new->pages_start) / PAGE;
	if (new->nr > NR_PAGES)
		new->nr = NR_PAGES;
	new->first = nr_seen;
	nr_seen += new->nr;
	if (nr_seen > MAX_SEEN)
		_exit(98);
	for (int i = 0; i < new->nr; i++)
		page_at[new->first + i] = new->pages_start + i * PAGE;
}

static void read_vmas(void)
{
	static char buf[1 << 14];
	unsigned long last = 0, value;
	struct vma *vma = NULL;
	size_t have = 0;
	off_t pos = 0;
	ssize_t n;

	nr_vmas = 0;
	nr_seen = 0;
	for (int i = 0; i < nr_regions; i++) {
		if (regions[i].end > last)
			last = regions[i].end;
	}
	for (;;) {
		char *line = buf, *end, *p;

		n = pread(smaps_fd, buf + have, sizeof(buf) - 1 - have, pos);
		if (n < 0)
			_exit(93);
		if (!n)
			return;
		pos += n;
		have += n;
		buf[have] = '\0';
		while ((end = strchr(line, '\n'))) {
			*end = '\0';
			if (line[0] < 'A' || line[0] > 'Z') {
				vma = &vmas[nr_vmas];
				p = skip_hex(line, &vma->start);
				p = skip_hex(p, &vma->end);
				if (vma->start >= last)
					return;
				memcpy(vma->perms, p, 4);
				vma->perms[4] = '\0';
				p = skip_hex(p + 5, &vma->pgoff);
				p = skip_hex(p, &value);
				p = skip_hex(p, &vma->dev);
				vma->dev |= value << 20;
				vma->ino = strtoul(p, &p, 10);
				while (*p == ' ')
					p++;
				snprintf(vma->path, sizeof(vma->path), "%s", p);
				vma->file = vma->ino || *p == '/';
				vma->pkey = 0;
			} else if (!strncmp(line, "ProtectionKey:", 14)) {
				vma->pkey = atoi(line + 14);
			} else if (!strncmp(line, "VmFlags:", 8)) {
				int len = end - line - 8;

				while (len && line[8 + len - 1] == ' ')
					len--;
				if (len >= (int)sizeof(vma->flags))
					_exit(98);
				memcpy(vma->flags, line + 8, len);
				vma->flags[len] = '\0';
				canonical_flags(vma->flags);
				add_vma(vma);
			}
			line = end + 1;
		}
		have = buf + have - line;
		memmove(buf, line, have);
	}
}

static void read_page_map(void)
{
	static uint64_t all[NR_PAGES];
	const off_t from = arena / PAGE * 8;

	if (pread(pagemap_fd, all, sizeof(all), from) != sizeof(all))
		_exit(95);
	for (int i = 0; i < nr_seen; i++) {
		const unsigned long page = (page_at[i] - arena) / PAGE;

		if (page < NR_PAGES)
			page_map[i] = all[page];
		else if (pread(pagemap_fd, &page_map[i], 8, page_at[i] / PAGE * 8) != 8)
			_exit(95);
	}
}

/*
 * The words by which pages begin, through a pipe: then it is no signal if one cannot
 * be read. Of those that are present, or of all pages: then also what is in a mapping
 * that cannot be read.
 */
static void read_words(bool all)
{
	static struct iovec vec[MAX_SEEN];
	static uint64_t got[MAX_SEEN];
	static int index[MAX_SEEN];
	int nr = 0, max;

	for (int v = 0; v < nr_vmas; v++) {
		const struct vma *vma = &vmas[v];
		const bool readable = vma->perms[0] == 'r' && !vma->pkey;

		for (int i = vma->first; i < vma->first + vma->nr; i++) {
			const bool present = page_map[i] >> 63 & 1;

			cannot_read[i] = true;
			/* Guard pages are not to be tried. */
			if (readable && (present || (all && !(page_map[i] >> 58 & 1)))) {
				vec[nr].iov_base = (void *)page_at[i];
				vec[nr].iov_len = 8;
				index[nr++] = i;
			} else if (present && all) {
				cannot_read[i] = pread(mem_fd, &words[i], 8, page_at[i]) != 8;
			}
		}
	}
	for (int done = 0; done < nr; ) {
		ssize_t n;

		max = nr - done < 256 ? nr - done : 256;
		n = writev(pipe_fds[1], vec + done, max);
		if (n > 0) {
			if (n % 8 || read(pipe_fds[0], got, n) != n)
				_exit(98);
			for (int i = 0; i < n / 8; i++) {
				words[index[done + i]] = got[i];
				cannot_read[index[done + i]] = false;
			}
			done += n / 8;
		} else {
			done++;
		}
	}
}

static void say_vmas(const char *mark, bool all)
{
	read_vmas();
	read_page_map();
	read_words(all);
	for (int v = 0; v < nr_vmas; v++) {
		const struct vma *vma = &vmas[v];

		say("%s %s%ld+%lu %s ", mark, vma->region->name,
		    (long)(vma->start - vma->region->start) / (long)PAGE,
		    (vma->end - vma->start) / PAGE, vma->perms);
		if (vma->file)
			say("%s@%lu", object_name(vma->dev, vma->ino, vma->path),
			    vma->pgoff / PAGE);
		else
			say("anon%s", !strncmp(vma->path, "[anon:", 6) ?
				      vma->path + 5 : "");
		if (vma->pkey)
			say(" k%d%s", vma->pkey, pkey_ok_to_write[vma->pkey & 15] ? "w" : "r");
		say("%s:", vma->flags);
		for (int i = vma->first; i < vma->first + vma->nr; i++) {
			if (page_map[i] >> 63 & 1 || !cannot_read[i]) {
				if (cannot_read[i])
					say(" ?");
				else
					say(" %lx", (unsigned long)words[i]);
				if (vma->file && page_map[i] >> 63 & 1 &&
				    !(page_map[i] >> 61 & 1))
					say("*");
			} else {
				say(page_map[i] >> 58 & 1 ? " g" :
				    page_map[i] >> 62 & 1 ? " s" : " .");
			}
		}
		say("\n");
	}
}

static void open_self(void)
{
	smaps_fd = open("/proc/self/smaps", O_RDONLY);
	pagemap_fd = open("/proc/self/pagemap", O_RDONLY);
	mem_fd = open("/proc/self/mem", O_RDONLY);
	if (smaps_fd < 0 || pagemap_fd < 0 || mem_fd < 0)
		_exit(91);
}

/* Page p of object o begins with the word o * 256 + p. */
static char pattern[FILE_PAGES * PAGE];

static void fill(int fd, int object)
{
	for (int i = 0; i < FILE_PAGES; i++)
		*(uint64_t *)(pattern + i * PAGE) = object * 256 + i;
	if (pwrite(fd, pattern, sizeof(pattern), 0) != sizeof(pattern))
		_exit(90);
}

static void note_object(int i, int fd, const char *name)
{
	struct stat st;

	if (fstat(fd, &st))
		_exit(89);
	/* As /proc/self/maps has it. */
	objects[i].dev = (st.st_dev >> 8 & 0xfff) << 20 | (st.st_dev & 0xff);
	objects[i].ino = st.st_ino;
	objects[i].name = name;
}

static int get_file(bool ro)
{
	char path[40];

	if (file_fd < 0) {
		file_fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);
		if (file_fd < 0)
			_exit(88);
		fill(file_fd, 10);
		note_object(0, file_fd, "file");
		snprintf(path, sizeof(path), "/proc/self/fd/%d", file_fd);
		file_ro_fd = open(path, O_RDONLY);
		if (file_ro_fd < 0)
			_exit(88);
	}
	return ro ? file_ro_fd : file_fd;
}

static int get_memfd(void)
{
	if (memfd_fd < 0) {
		memfd_fd = memfd_create("d", 0);
		if (memfd_fd < 0)
			_exit(88);
		fill(memfd_fd, 11);
		note_object(1, memfd_fd, "memfd");
	}
	return memfd_fd;
}

static long do_mmap(const struct step *step)
{
	int flags = step->flags ?: MAP_FIXED, fd = -1;
	off_t off = 0;

	switch (step->kind) {
	case ANON:
		flags |= MAP_PRIVATE | MAP_ANONYMOUS;
		break;
	case NORESERVE:
		flags |= MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
		break;
	case GROWSDOWN:
		flags |= MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN;
		break;
	case DROPPABLE:
		flags |= MAP_DROPPABLE | MAP_ANONYMOUS;
		break;
	case HUGE:
		flags |= MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB;
		break;
	case ANON_SHARED:
		flags |= MAP_SHARED | MAP_ANONYMOUS;
		break;
	case FILE_PRIVATE:
	case FILE_SHARED:
	case FILE_SHARED_RO:
		flags |= step->kind == FILE_PRIVATE ? MAP_PRIVATE : MAP_SHARED;
		fd = get_file(step->kind == FILE_SHARED_RO);
		off = step->pgoff * PAGE;
		break;
	case MEMFD_PRIVATE:
	case MEMFD_SHARED:
		flags |= step->kind == MEMFD_PRIVATE ? MAP_PRIVATE : MAP_SHARED;
		fd = get_memfd();
		off = step->pgoff * PAGE;
		break;
	}
	return syscall(SYS_mmap, addr_of(&step->at), len_of(&step->at), step->prot, flags,
		       fd, off);
}

static long do_shmat(const struct step *step)
{
	struct shmid_ds ds;
	long ret;

	if (shm_id < 0) {
		shm_id = shmget(IPC_PRIVATE, SHM_PAGES * PAGE, IPC_CREAT | 0600);
		if (shm_id < 0)
			return -1;
	}
	ret = syscall(SYS_shmat, shm_id, addr_of(&step->at), step->flags | SHM_REMAP);
	/* It goes with its last mapping. */
	shmctl(shm_id, IPC_RMID, &ds);
	return ret;
}

/* How many pages could be accessed? */
static long do_access(const struct step *step, int nr)
{
	volatile char *at = (volatile char *)addr_of(&step->at);
	volatile int done = 0;

	for (volatile int i = 0; i < step->at.pages && i < NR_PAGES; i++) {
		volatile uint64_t *word = (volatile uint64_t *)(at + i * PAGE);

		if ((uintptr_t)word % 8)
			word = (volatile uint64_t *)((uintptr_t)word & ~7UL);
		if (sigsetjmp(fault_env, 0)) {
			fault_armed = 0;
			continue;
		}
		fault_armed = 1;
		if (step->op == OP_STORE)
			*word = (nr + 1) * 256UL * 256 + i;
		else
			(void)*word;
		fault_armed = 0;
		done++;
	}
	return done;
}

static int get_pkey(void)
{
	if (!pkey) {
		pkey = syscall(SYS_pkey_alloc, 0, 0);
		if (pkey > 0 && pkey < 16)
			pkey_ok_to_write[pkey] = 1;
	}
	return pkey;
}

static long do_pkey_rights(const struct step *step)
{
	const int key = get_pkey();

	if (key <= 0 || key > 15)
		return -1;
#ifdef __x86_64__
	if (pkey_set(key, step->flags))
		return -1;
	pkey_ok_to_write[key] = !step->flags;
#endif
	return 0;
}

static int count_vmas(void)
{
	char buf[4096];
	int fd = open("/proc/self/maps", O_RDONLY), nr = 0;
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			nr += buf[i] == '\n';
	}
	close(fd);
	return nr;
}

static int old_max_map_count;

static void get_max_map_count(void)
{
	FILE *file = fopen("/proc/sys/vm/max_map_count", "r");

	if (!file || fscanf(file, "%d", &old_max_map_count) != 1)
		die("/proc/sys/vm/max_map_count");
	fclose(file);
}

static void set_max_map_count(int count)
{
	char buf[16];
	int fd = open("/proc/sys/vm/max_map_count", O_WRONLY);
	const int len = snprintf(buf, sizeof(buf), "%d", count);

	if (fd < 0 || write(fd, buf, len) != len)
		die("/proc/sys/vm/max_map_count");
	close(fd);
}

static long do_fork(void)
{
	pid_t child;
	int status;

	child = fork();
	if (child < 0)
		return -1;
	if (!child) {
		open_self();
		say_vmas("  fork", true);
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child || status)
		_exit(87);
	return 0;
}

static long sys_mseal(unsigned long addr, unsigned long len)
{
	if (plant == PLANT_SHORT && len > PAGE)
		len -= PAGE;
	return syscall(__NR_mseal, addr, len, 0);
}

static long run_step(const struct step *step, int nr)
{
	const unsigned long addr = addr_of(&step->at), len = len_of(&step->at);
	struct iovec vec[MAX_VEC];
	long ret = -1;

	switch (step->op) {
	case OP_MMAP:
		return do_mmap(step);
	case OP_SHMAT:
		return do_shmat(step);
	case OP_STORE:
	case OP_LOAD:
		return do_access(step, nr);
	case OP_MLOCK:
		return mlock((void *)addr, len);
	case OP_MUNLOCK:
		return munlock((void *)addr, len);
	case OP_MUNMAP:
		ret = munmap((void *)addr, len);
		if (plant == PLANT_ERRNO && ret && errno == EPERM)
			errno = EACCES;
		return ret;
	case OP_MPROTECT:
		if (plant == PLANT_HALF && len > PAGE)
			mprotect((void *)addr, PAGE, step->prot);
		return mprotect((void *)addr, len, step->prot);
	case OP_PKEY_MPROTECT:
		return syscall(SYS_pkey_mprotect, addr, len, step->prot, get_pkey());
	case OP_PKEY_RIGHTS:
		return do_pkey_rights(step);
	case OP_MREMAP:
		ret = syscall(SYS_mremap, addr, len, len_of(&step->to), step->flags,
			      step->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) ?
			      addr_of(&step->to) : 0);
		return ret;
	case OP_MADVISE:
		return madvise((void *)addr, len, step->advice);
	case OP_PROCESS_MADVISE:
		for (int i = 0; i < step->nr_vec; i++) {
			vec[i].iov_base = (void *)addr_of(&step->vec[i]);
			vec[i].iov_len = len_of(&step->vec[i]);
		}
		return syscall(SYS_process_madvise, PIDFD_SELF, vec, step->nr_vec,
			       step->advice, 0);
	case OP_SHMDT:
		return syscall(SYS_shmdt, addr);
	case OP_BRK:
		return syscall(SYS_brk, addr);
	case OP_FORK:
		return do_fork();
	case OP_MSEAL:
		return sys_mseal(addr, len);
	case OP_REMAP_FILE_PAGES:
		return syscall(SYS_remap_file_pages, addr, len, 0, step->pgoff, 0);
	case OP_NAME:
		return prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, addr, len,
			     step->flags ? (step->flags == 1 ? "one" : "two") : NULL);
	case OP_MAX_MAP_COUNT:
		set_max_map_count(count_vmas() + step->flags);
		return 0;
	}
	return ret;
}

static const char *advice_name(int advice)
{
	static const struct { int advice; const char *name; } names[] = {
		{ MADV_NORMAL, "NORMAL" }, { MADV_RANDOM, "RANDOM" },
		{ MADV_SEQUENTIAL, "SEQUENTIAL" }, { MADV_WILLNEED, "WILLNEED" },
		{ MADV_DONTNEED, "DONTNEED" }, { MADV_FREE, "FREE" },
		{ MADV_REMOVE, "REMOVE" }, { MADV_DONTFORK, "DONTFORK" },
		{ MADV_DOFORK, "DOFORK" }, { MADV_MERGEABLE, "MERGEABLE" },
		{ MADV_UNMERGEABLE, "UNMERGEABLE" }, { MADV_HUGEPAGE, "HUGEPAGE" },
		{ MADV_NOHUGEPAGE, "NOHUGEPAGE" }, { MADV_DONTDUMP, "DONTDUMP" },
		{ MADV_DODUMP, "DODUMP" }, { MADV_WIPEONFORK, "WIPEONFORK" },
		{ MADV_KEEPONFORK, "KEEPONFORK" }, { MADV_COLD, "COLD" },
		{ MADV_PAGEOUT, "PAGEOUT" }, { MADV_POPULATE_READ, "POPULATE_READ" },
		{ MADV_POPULATE_WRITE, "POPULATE_WRITE" },
		{ MADV_DONTNEED_LOCKED, "DONTNEED_LOCKED" },
		{ MADV_COLLAPSE, "COLLAPSE" },
		{ MADV_GUARD_INSTALL, "GUARD_INSTALL" },
		{ MADV_GUARD_REMOVE, "GUARD_REMOVE" }, { 77, "77" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (names[i].advice == advice)
			return names[i].name;
	}
	return "?";
}

static void say_step(const struct step *step)
{
	static const char *const names[] = {
		[OP_MMAP] = "mmap", [OP_SHMAT] = "shmat", [OP_STORE] = "store",
		[OP_LOAD] = "load", [OP_MLOCK] = "mlock", [OP_MUNLOCK] = "munlock",
		[OP_MUNMAP] = "munmap", [OP_MPROTECT] = "mprotect",
		[OP_PKEY_MPROTECT] = "pkey_mprotect", [OP_PKEY_RIGHTS] = "pkey_rights",
		[OP_MREMAP] = "mremap", [OP_MADVISE] = "madvise",
		[OP_PROCESS_MADVISE] = "process_madvise", [OP_SHMDT] = "shmdt",
		[OP_BRK] = "brk", [OP_FORK] = "fork", [OP_MSEAL] = "mseal",
		[OP_REMAP_FILE_PAGES] = "remap_file_pages", [OP_NAME] = "name",
		[OP_MAX_MAP_COUNT] = "max_map_count",
	};
	static const char *const kinds[] = {
		[ANON] = "private anon", [ANON_SHARED] = "shared anon",
		[FILE_PRIVATE] = "private file", [FILE_SHARED] = "shared file",
		[FILE_SHARED_RO] = "shared file-ro", [MEMFD_PRIVATE] = "private memfd",
		[MEMFD_SHARED] = "shared memfd", [GROWSDOWN] = "growsdown anon",
		[NORESERVE] = "noreserve anon", [DROPPABLE] = "droppable anon",
		[HUGE] = "private huge",
	};

	say("%s", names[step->op]);
	if (step->op == OP_FORK)
		return;
	if (step->op == OP_MAX_MAP_COUNT) {
		say(" +%d", step->flags);
		return;
	}
	if (step->op == OP_PKEY_RIGHTS) {
		say(" %d", step->flags);
		return;
	}
	if (step->op == OP_PROCESS_MADVISE) {
		for (int i = 0; i < step->nr_vec; i++)
			say_range(&step->vec[i]);
	} else {
		say_range(&step->at);
	}
	switch (step->op) {
	case OP_MMAP:
		say(" %s %s@%d%s", prot_name(step->prot), kinds[step->kind], step->pgoff,
		    step->flags == MAP_FIXED_NOREPLACE ? " noreplace" : "");
		break;
	case OP_SHMAT:
		say(" %s", step->flags & SHM_RDONLY ? "r" : "rw");
		break;
	case OP_MPROTECT:
	case OP_PKEY_MPROTECT:
		say(" %s", prot_name(step->prot));
		break;
	case OP_MREMAP:
		say(" to");
		say_range(&step->to);
		say("%s%s%s", step->flags & MREMAP_MAYMOVE ? " maymove" : "",
		    step->flags & MREMAP_FIXED ? " fixed" : "",
		    step->flags & MREMAP_DONTUNMAP ? " dontunmap" : "");
		break;
	case OP_MADVISE:
	case OP_PROCESS_MADVISE:
		say(" %s", advice_name(step->advice));
		break;
	case OP_REMAP_FILE_PAGES:
		say(" @%d", step->pgoff);
		break;
	case OP_NAME:
		say(" %d", step->flags);
		break;
	default:
		break;
	}
}

static void say_result(const struct step *step, long ret, int err)
{
	say(" = ");
	if (step->op == OP_BRK) {
		/* It returns where the break is. */
		say_addr(ret);
	} else if (ret == -1) {
		const char *name = strerrorname_np(err);

		say("%s", name ? name : "?");
	} else if (step->op == OP_MREMAP || step->op == OP_SHMAT || step->op == OP_MMAP) {
		new_region(ret, step->op == OP_MREMAP ? len_of(&step->to) :
				len_of(&step->at));
		say_addr(ret);
	} else {
		say("%ld", ret);
	}
	say("\n");
}

/* True if the process can go on with another case: nothing is left outside. */
static bool clean_up(void)
{
	const int fds[] = { file_fd, file_ro_fd, memfd_fd };
	/* What grows down would grow into the next arena. */
	bool clean = !with_huge && !with_growsdown && pkey <= 0;

	for (int i = 0; i < 3; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
	if (with_heap && syscall(SYS_brk, heap) != (long)heap)
		clean = false;
	for (int i = 0; i < nr_regions; i++) {
		if (regions[i].name[0] > 'H' &&
		    munmap((void *)regions[i].start, regions[i].end - regions[i].start))
			clean = false;
	}
	return clean;
}

static bool run_case(uint64_t nr, uint64_t mask)
{
	bool limit = false;

	text->len = 0;
	file_fd = -1;
	file_ro_fd = -1;
	memfd_fd = -1;
	shm_id = -1;
	nr_unknown_inos = 0;
	memset(objects, 0, sizeof(objects));
	moved = 0;
	arena = HUGE_START - NR_PAGES * PAGE - nr % NR_ARENAS * ARENA_STRIDE;
	regions[0] = (struct region){ "A", arena, with_huge ? HUGE_END : arena + NR_PAGES * PAGE };
	nr_regions = 1;
	if (with_heap) {
		heap = (syscall(SYS_brk, 0) + PAGE - 1) / PAGE * PAGE;
		if (syscall(SYS_brk, heap) != (long)heap)
			_exit(86);
		regions[nr_regions++] = (struct region){ "H", heap, heap + HEAP_PAGES * PAGE };
	}

	for (int i = 0; i < nr_steps; i++) {
		const struct step *step = &steps[i];
		long ret;

		if (!(mask >> i & 1))
			continue;
		say("%c%d ", step->call ? '>' : '-', i);
		say_step(step);
		errno = 0;
		/* What a forked child sees comes before the result of the fork. */
		if (step->op == OP_FORK)
			say("\n");
		ret = run_step(step, i);
		say_result(step, ret, errno);
		limit |= step->op == OP_MAX_MAP_COUNT;
		if (step->call || every || (show && i >= nr_layout - 1))
			say_vmas(" ", false);
	}
	say("end\n");
	/* Read all that can be read, now that no call comes after it. */
	say_vmas(" ", true);
	if (limit)
		set_max_map_count(old_max_map_count);
	return clean_up();
}

static uint64_t hash_text(void)
{
	uint64_t hash = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < text->len; i++)
		hash = (hash ^ (unsigned char)text->buf[i]) * 0x100000001b3ULL;
	return hash;
}

static char out[1 << 16];
static size_t out_len;

static void flush(void)
{
	for (size_t done = 0; done < out_len; ) {
		ssize_t n = write(1, out + done, out_len - done);

		if (n <= 0)
			_exit(1);
		done += n;
	}
	out_len = 0;
}

static void print(const char *what, size_t len)
{
	while (len) {
		size_t n = sizeof(out) - out_len;

		if (n > len)
			n = len;
		memcpy(out + out_len, what, n);
		out_len += n;
		what += n;
		len -= n;
		if (out_len == sizeof(out))
			flush();
	}
}

static void report(uint64_t nr, uint64_t mask)
{
	char line[64];

	if (show) {
		print(line, snprintf(line, sizeof(line), "case %lu %lx\n",
				     (unsigned long)nr, (unsigned long)mask));
		print(text->buf, text->len);
	} else {
		print(line, snprintf(line, sizeof(line), "%lu %016lx\n",
				     (unsigned long)nr, (unsigned long)hash_text()));
	}
}

/* A case of those to run, or false if there is no more. */
struct cases {
	uint64_t seed, nr, end;
	FILE *list;
};

static bool next_case(struct cases *cases, uint64_t *nr, uint64_t *mask)
{
	char line[80];

	*mask = ~0UL;
	if (!cases->list) {
		*nr = cases->nr;
		return cases->nr++ < cases->end;
	}
	if (!fgets(line, sizeof(line), cases->list))
		return false;
	if (sscanf(line, "%lu %lx", nr, mask) < 1)
		die("--list: a line is a number and a mask");
	return true;
}

/*
 * Run cases in one process as long as that works out. The parent has taken the same
 * ones from the list when it goes on: how many is in *done.
 */
static void run_batch(const uint64_t *nrs, const uint64_t *masks, int nr, uint64_t seed,
		      volatile int *done)
{
	struct sigaction action = { .sa_handler = on_fault, .sa_flags = SA_NODEFER };

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	open_self();
	alarm(60);
	pkey = 0;
	for (int i = 0; i < nr; i++) {
		bool clean;

		gen_case(seed, nrs[i]);
		clean = run_case(nrs[i], masks[i]);
		report(nrs[i], masks[i]);
		flush();
		*done = i + 1;
		if (!clean)
			break;
	}
	_exit(0);
}

static void run_cases(struct cases *cases)
{
	uint64_t nrs[NR_ARENAS], masks[NR_ARENAS];
	int nr = 0, status, taken;
	volatile int *done;
	pid_t child;
	bool more = true;

	done = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (done == MAP_FAILED)
		die("mmap");
	for (;;) {
		while (more && nr < NR_ARENAS) {
			more = next_case(cases, &nrs[nr], &masks[nr]);
			nr += more;
		}
		if (!nr)
			return;
		/* From the highest arena to the lowest, once. */
		for (taken = 1; taken < nr; taken++) {
			if (nrs[taken] % NR_ARENAS <= nrs[taken - 1] % NR_ARENAS)
				break;
		}
		*done = 0;
		child = fork();
		if (child < 0)
			die("fork");
		if (!child)
			run_batch(nrs, masks, taken, cases->seed, done);
		if (waitpid(child, &status, 0) != child)
			die("waitpid");
		taken = *done;
		if (status) {
			if (WIFSIGNALED(status))
				say("killed by signal %d\n", WTERMSIG(status));
			else
				say("cannot go on: %d\n", WEXITSTATUS(status));
			report(nrs[taken], masks[taken]);
			flush();
			set_max_map_count(old_max_map_count);
			taken++;
		}
		nr -= taken;
		memmove(nrs, nrs + taken, nr * sizeof(nrs[0]));
		memmove(masks, masks + taken, nr * sizeof(masks[0]));
	}
}

int main(int argc, char **argv)
{
	uint64_t first = 0, count = 1;
	struct cases cases = { .seed = 1 };
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	const char *list = NULL;
	cpu_set_t cpu;
	int i;

	/* The kernel places what moves without an address: always at the same one. */
	if (!(personality(0xffffffff) & ADDR_NO_RANDOMIZE)) {
		if (personality(ADDR_NO_RANDOMIZE) < 0)
			die("personality");
		execv("/proc/self/exe", argv);
		die("execv");
	}
	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		if (!strcmp(argv[i], "--text")) {
			show = true;
		} else if (!strcmp(argv[i], "--every")) {
			every = true;
		} else if (!strcmp(argv[i], "--seed") && i + 1 < argc) {
			cases.seed = strtoul(argv[++i], NULL, 0);
		} else if (!strcmp(argv[i], "--list") && i + 1 < argc) {
			list = argv[++i];
		} else if (!strcmp(argv[i], "--plant") && i + 1 < argc) {
			i++;
			plant = !strcmp(argv[i], "short") ? PLANT_SHORT :
				!strcmp(argv[i], "errno") ? PLANT_ERRNO :
				!strcmp(argv[i], "half") ? PLANT_HALF : NO_PLANT;
			if (!plant)
				die("--plant: short, errno or half");
		} else {
			break;
		}
	}
	if (argc - i > 2 || (list ? argc > i : argc == i) ||
	    (i < argc && argv[i][0] == '-')) {
		fputs("usage: mseal_diff_test [OPTION...] --list FILE | FIRST [COUNT]\n", stderr);
		return 2;
	}
	if (i < argc)
		first = strtoul(argv[i++], NULL, 0);
	if (i < argc)
		count = strtoul(argv[i], NULL, 0);

	if ((unsigned long)main < HUGE_END) {
		fputs("mseal_diff_test: the program is where the arenas have to be\n", stderr);
		fputs("link it with -Wl,-Ttext-segment=0x10000000\n", stderr);
		return 1;
	}

	get_max_map_count();
	/* Pages wait in lists of a CPU. */
	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	sched_setaffinity(0, sizeof(cpu), &cpu);
	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	if (pipe(pipe_fds))
		die("pipe");
	text = mmap(NULL, sizeof(*text), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (text == MAP_FAILED)
		die("mmap");

	cases.nr = first;
	cases.end = first + count;
	if (list) {
		cases.list = fopen(list, "r");
		if (!cases.list)
			die(list);
	}
	run_cases(&cases);
	print("done\n", 5);
	flush();
	return 0;
}
