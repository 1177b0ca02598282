// SPDX-License-Identifier: GPL-2.0-only
/*
 * mseal(2) with flags: every operation on every kind of mapping with every set
 * of flags, and what mseal() itself promises.
 *
 * The matrix: OP_ONE_VMA() declares an operation, what the design says about
 * it, how to do it and how to see that it was done; backings[] has the kinds of
 * mapping. Each case seals a new mapping with known contents, does the
 * operation and compares its result with expected(). After a refusal everything
 * must be as before: the VMAs, their flags and the contents. After a success
 * the effect must be visible, so that a kernel that does nothing does not pass
 * either. OP_SPANS() also does this over three VMAs, one of which is sealed.
 *
 * Huge pages are used if 16 are free, protection keys if the machine has them.
 *
 * If tools/mm/sealmap is beside the test, or SEALMAP= names it, 'sealmap --explain' is
 * asked before each operation of the matrix, and must say what the kernel then does; on
 * a kernel whose mseal() knows no flags, too, where only that is judged. If there is
 * tracing, each refused call must have one event mseal_refused that names the same
 * operation and the same seals.
 */

#include "kselftest_harness.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "mseal_attr.h"
#include "mseal_tcp.h"
#include "mseal_uffd.h"

#define MAX_VMAS	24
#define SPAN		8	/* units that are looked at in each place */

static unsigned long page_size;

/* Kinds of mapping */

enum kind { ANON, COW, SHARED_ANON, SHARED_FILE, SHM, BRK };

/* Sets of kinds */
#define ON(kind)	(1U << (kind))
#define ON_HUGE(kind)	(1U << (8 + (kind)))
#define HUGE		0xff00U
#define PRIVATE_ANON	(ON(ANON) | ON(BRK))
#define PRIVATE		(PRIVATE_ANON | ON(COW) | ON_HUGE(ANON) | ON_HUGE(COW))

enum access { RO, RW, NO_KEY };

struct backing {
	const char *name;
	enum kind kind;
	enum access access;	/* of the test, once the mapping is made */
	bool huge;
	bool spans;		/* also used for ranges over several VMAs */
};

static const struct backing backings[] = {
	{ "read-only anonymous",	ANON,		RO,	.spans = true },
	{ "writable anonymous",		ANON,		RW },
	{ "read-only private file",	COW,		RO,	.spans = true },
	{ "writable private file",	COW,		RW },
	{ "read-only shared anonymous",	SHARED_ANON,	RO },
	{ "writable shared anonymous",	SHARED_ANON,	RW },
	{ "read-only shared file",	SHARED_FILE,	RO,	.spans = true },
	{ "writable shared file",	SHARED_FILE,	RW },
	{ "read-only SysV segment",	SHM,		RO },
	{ "writable SysV segment",	SHM,		RW },
	{ "read-only heap",		BRK,		RO },
	{ "writable heap",		BRK,		RW },
	{ "read-only huge anonymous",	ANON,		RO,	.huge = true },
	{ "writable huge anonymous",	ANON,		RW,	.huge = true },
	{ "read-only huge private file", COW,		RO,	.huge = true },
	{ "read-only huge shared file",	SHARED_FILE,	RO,	.huge = true },
	{ "key-denied anonymous",	ANON,		NO_KEY },
	{ "key-denied private file",	COW,		NO_KEY },
	{ "key-denied shared file",	SHARED_FILE,	NO_KEY },
};

/* What this machine has; see probe(). */
static bool have_backing[ARRAY_SIZE(backings)];
static bool have_huge, have_keys, have_key_calls, have_guards, have_shm;
static bool have_remap_file_pages, have_process_madvise;
static unsigned long huge_size;

static unsigned int kind_of(const struct backing *b)
{
	return b->huge ? ON_HUGE(b->kind) : ON(b->kind);
}

/* Is it anonymous to vma_is_anonymous()? It must have no file at all. */
static bool is_private_anon(const struct backing *b)
{
	return kind_of(b) & PRIVATE_ANON;
}

/* A range under test. A unit is a page, of the size that the mapping has. */
struct area {
	const struct backing *backing;
	unsigned long unit;
	char *origin;		/* where the mapping begins */
	char *base;		/* where the operation begins */
	size_t len;		/* how far the operation goes */
	char *scratch;		/* another place for its use, SPAN units wide */
	char *result;		/* where the operation put things */
};

enum content { IN_MEMORY = 1, IN_FILE, ELSEWHERE };

static uint64_t content(enum content what, size_t unit)
{
	return 0x5ea1ed0000000000 | what << 16 | unit;
}

static void fill(char *at, size_t units, unsigned long unit, enum content what)
{
	for (size_t i = 0; i < units; i++)
		*(uint64_t *)(at + i * unit) = content(what, i);
}

static uint64_t expected_word(const struct area *a, enum content what,
			      const char *at)
{
	return content(what, (at - a->origin) / a->unit);
}

static bool has_word(const char *at, uint64_t word)
{
	const struct peeked p = peek(at);

	return !p.err && p.word == word;
}

/* A hole of many units, for mappings at fixed addresses. Nothing is near it. */
static char *find_hole(size_t units, unsigned long unit)
{
	const size_t len = (units + 1) * unit;
	char *at;

	at = mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		  -1, 0);
	if (at == MAP_FAILED || munmap(at, len))
		return NULL;
	return (char *)(((unsigned long)at + unit - 1) & ~(unit - 1));
}

static char *map_at(char *at, size_t len, int flags, int fd)
{
	char *got;

	got = mmap(at, len, PROT_READ | PROT_WRITE,
		   flags | MAP_FIXED_NOREPLACE, fd, 0);
	return got == at ? got : NULL;
}

static char *map_file(const struct area *a, char *at, size_t units)
{
	const bool shared = a->backing->kind == SHARED_FILE;
	const size_t len = units * a->unit;
	char *file, *got = NULL;
	int fd;

	fd = memfd_create("mseal", MFD_CLOEXEC | (a->backing->huge ? MFD_HUGETLB : 0));
	if (fd < 0)
		return NULL;
	if (ftruncate(fd, len))
		goto out;

	file = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (file == MAP_FAILED)
		goto out;
	fill(file, units, a->unit, IN_FILE);
	munmap(file, len);

	got = map_at(at, len, shared ? MAP_SHARED : MAP_PRIVATE, fd);
out:
	close(fd);
	return got;
}

static char *map_shm(char *at, size_t len)
{
	char *got;
	int id;

	id = shmget(IPC_PRIVATE, len, IPC_CREAT | 0600);
	if (id < 0)
		return NULL;
	got = shmat(id, at, 0);
	shmctl(id, IPC_RMID, NULL);
	return got == at ? got : NULL;
}

/* Grow the heap by these units, with a gap to the heap below. */
static char *grow_heap(size_t len, unsigned long unit)
{
	unsigned long at = syscall(SYS_brk, 0);

	at = ((at + unit - 1) & ~(unit - 1)) + unit;
	if (syscall(SYS_brk, at + len) != (long)(at + len))
		return NULL;
	return (char *)at;
}

static bool make_area(struct area *a, const struct backing *b, size_t units)
{
	const unsigned long unit = b->huge ? huge_size : page_size;
	const int huge = b->huge ? MAP_HUGETLB : 0;
	const size_t len = units * unit;
	char *hole, *at = NULL;
	int key;

	memset(a, 0, sizeof(*a));
	a->backing = b;
	a->unit = unit;
	hole = find_hole(4 * SPAN, unit);
	if (!hole)
		return false;
	a->scratch = hole + 5 * SPAN / 2 * unit;
	hole += SPAN * unit;

	switch (b->kind) {
	case ANON:
		at = map_at(hole, len, MAP_PRIVATE | MAP_ANONYMOUS | huge, -1);
		break;
	case SHARED_ANON:
		at = map_at(hole, len, MAP_SHARED | MAP_ANONYMOUS | huge, -1);
		break;
	case COW:
	case SHARED_FILE:
		at = map_file(a, hole, units);
		break;
	case SHM:
		at = map_shm(hole, len);
		break;
	case BRK:
		at = grow_heap(len, unit);
		break;
	}
	if (!at)
		return false;

	fill(at, units, unit, IN_MEMORY);
	a->origin = at;
	a->base = at;
	a->len = len;

	switch (b->access) {
	case RW:
		return true;
	case RO:
		return !mprotect(at, len, PROT_READ);
	case NO_KEY:
		key = syscall(SYS_pkey_alloc, 0, 2 /* PKEY_DISABLE_WRITE */);
		return key >= 0 && !syscall(SYS_pkey_mprotect, at, len,
					    PROT_READ | PROT_WRITE, key);
	}
	return false;
}

static int prot_of(const struct area *a)
{
	return a->backing->access == RO ? PROT_READ : PROT_READ | PROT_WRITE;
}

/* What is visible of an area and its neighbourhood */

struct snapshot {
	int nr;
	struct vma vmas[MAX_VMAS];
	struct peeked words[2 * SPAN];
	unsigned long brk;
};

static const struct vma *vma_at(const struct snapshot *s, const char *at)
{
	const unsigned long addr = (unsigned long)at;

	for (int i = 0; i < s->nr; i++) {
		if (s->vmas[i].start <= addr && addr < s->vmas[i].end)
			return &s->vmas[i];
	}
	return NULL;
}

static void take_snapshot(struct snapshot *s, const struct area *a)
{
	const size_t len = SPAN * a->unit;
	const struct range ranges[] = {
		{ a->origin - 2 * a->unit, a->origin + len },
		{ a->scratch, a->scratch + len },
	};
	const char *addrs[2 * SPAN];
	struct peeked peeked[2 * SPAN];
	int at[2 * SPAN];
	int nr = 0;

	memset(s, 0, sizeof(*s));
	s->nr = read_vmas_of(ranges, 2, s->vmas, MAX_VMAS);
	for (int i = 0; i < 2 * SPAN; i++) {
		const char *addr = i < SPAN ? a->origin + i * a->unit :
					      a->scratch + (i - SPAN) * a->unit;

		s->words[i].err = ENOMEM;
		if (vma_at(s, addr)) {
			at[nr] = i;
			addrs[nr++] = addr;
		}
	}
	peek_all(addrs, nr, peeked);
	while (nr--)
		s->words[at[nr]] = peeked[nr];
	s->brk = syscall(SYS_brk, 0);
}

static void print_snapshot(const char *when, const struct snapshot *s)
{
	fprintf(stderr, "#   %s: brk %lx\n", when, s->brk);
	for (int i = 0; i < s->nr; i++)
		fprintf(stderr, "#     %lx-%lx %s%s\n", s->vmas[i].start,
			s->vmas[i].end, s->vmas[i].perms, s->vmas[i].flags);
	for (int i = 0; i < 2 * SPAN; i++) {
		if (!s->words[i].err)
			fprintf(stderr, "#     %s+%d: %llx\n",
				i < SPAN ? "area" : "scratch", i % SPAN,
				(unsigned long long)s->words[i].word);
	}
}

/* Is all of the range of the operation mapped, or none of it? */
static bool all_mapped(const struct area *a, const struct snapshot *s)
{
	for (char *at = a->base; at < a->base + a->len; at += a->unit) {
		if (!vma_at(s, at))
			return false;
	}
	return true;
}

static bool none_mapped(const struct area *a, const struct snapshot *s)
{
	for (char *at = a->base; at < a->base + a->len; at += a->unit) {
		if (vma_at(s, at))
			return false;
	}
	return true;
}

static bool all_flagged(const struct area *a, const struct snapshot *s,
			const char *flag, bool set)
{
	for (char *at = a->base; at < a->base + a->len; at += a->unit) {
		const struct vma *vma = vma_at(s, at);

		if (!vma || vma_has_flag(vma, flag) != set)
			return false;
	}
	return true;
}

/* Operations */

struct op {
	const char *name;

	/* As in the table of the design: which seals refuse it? */
	bool map, prot;
	bool map_weak;		/* MAP, if the caller cannot write */
	bool discard;		/* if the caller cannot write */
	bool weak;		/* with flags == 0: private anonymous only */

	/* Which kinds of mapping refuse it without a seal, and how? */
	struct {
		unsigned int on;
		int err;
	} plain[2];
	bool plain_first;	/* before the seals are checked */

	/* What sealmap calls it, and which part of the range it is about */
	const char *call;
	enum { WHOLE, PART, AROUND, FIRST } where;

	const bool *needs;
	unsigned int only_on;	/* kinds of mapping, 0: all */
	bool in_place;		/* the mapping stays there, with its seals */

	void (*prepare)(struct area *a);
	int (*run)(struct area *a);
	bool (*effect)(const struct area *a, const struct snapshot *now);
};

static int answer(long ret)
{
	return ret == -1 ? errno : 0;
}

static int answer_ptr(struct area *a, void *ret)
{
	if (ret == MAP_FAILED)
		return errno;
	a->result = ret;
	return 0;
}

static int do_munmap(struct area *a)
{
	return answer(munmap(a->base, a->len));
}

static int do_munmap_part(struct area *a)
{
	return answer(munmap(a->base + a->unit, a->unit));
}

static int do_munmap_around(struct area *a)
{
	return answer(munmap(a->base - a->unit, a->len + 2 * a->unit));
}

static bool effect_unmapped(const struct area *a, const struct snapshot *now)
{
	return none_mapped(a, now);
}

static bool effect_unmapped_part(const struct area *a, const struct snapshot *now)
{
	return vma_at(now, a->base) && !vma_at(now, a->base + a->unit) &&
	       vma_at(now, a->base + 2 * a->unit);
}

static int map_over(struct area *a, char *at, size_t len)
{
	return answer_ptr(a, mmap(at, len, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
}

static int do_map_fixed(struct area *a)
{
	return map_over(a, a->base, a->len);
}

static int do_map_fixed_part(struct area *a)
{
	return map_over(a, a->base + a->unit, a->unit);
}

static int do_map_fixed_around(struct area *a)
{
	return map_over(a, a->base - a->unit, a->len + 2 * a->unit);
}

static int do_shmat_remap(struct area *a)
{
	void *ret;
	int id, err;

	id = shmget(IPC_PRIVATE, a->len, IPC_CREAT | 0600);
	if (id < 0)
		return errno;
	ret = shmat(id, a->base, SHM_REMAP);
	err = answer_ptr(a, ret);
	shmctl(id, IPC_RMID, NULL);
	return err;
}

static bool effect_replaced(const struct area *a, const struct snapshot *now)
{
	if (!all_mapped(a, now))
		return false;
	for (char *at = a->base; at < a->base + a->len; at += a->unit) {
		if (!has_word(at, 0) || vma_at(now, at)->codes[0])
			return false;
	}
	return true;
}

static bool effect_replaced_part(const struct area *a, const struct snapshot *now)
{
	return has_word(a->base, expected_word(a, IN_MEMORY, a->base)) &&
	       has_word(a->base + a->unit, 0) &&
	       !vma_at(now, a->base + a->unit)->codes[0];
}

static int do_mremap(struct area *a, size_t old_len, size_t new_len, int flags)
{
	return answer_ptr(a, mremap(a->base, old_len, new_len, flags, a->scratch));
}

static int do_mremap_same(struct area *a)
{
	return do_mremap(a, a->len, a->len, 0);
}

static int do_mremap_shrink(struct area *a)
{
	return do_mremap(a, a->len, a->unit, 0);
}

static bool effect_shrunk(const struct area *a, const struct snapshot *now)
{
	return vma_at(now, a->base) && !vma_at(now, a->base + a->unit) &&
	       !vma_at(now, a->base + a->len - a->unit);
}

static int do_mremap_expand(struct area *a)
{
	return do_mremap(a, a->len, a->len + a->unit, 0);
}

static bool effect_expanded(const struct area *a, const struct snapshot *now)
{
	return all_mapped(a, now) && vma_at(now, a->base + a->len);
}

static int do_mremap_maymove(struct area *a)
{
	return do_mremap(a, a->len, a->len + a->unit, MREMAP_MAYMOVE);
}

/* Leave no room to grow: the mapping has to move. */
static void prepare_blocked(struct area *a)
{
	map_at(a->base + a->len, a->unit, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static bool contents_at(const struct area *a, const char *dst, size_t len)
{
	for (size_t i = 0; i < len; i += a->unit) {
		if (!has_word(dst + i, expected_word(a, IN_MEMORY, a->base + i)))
			return false;
	}
	return true;
}

static bool effect_moved(const struct area *a, const struct snapshot *now)
{
	return none_mapped(a, now) && contents_at(a, a->result, a->len);
}

static int do_mremap_fixed(struct area *a)
{
	return do_mremap(a, a->len, a->len, MREMAP_MAYMOVE | MREMAP_FIXED);
}

static bool effect_moved_fixed(const struct area *a, const struct snapshot *now)
{
	return a->result == a->scratch && effect_moved(a, now);
}

static int do_mremap_part(struct area *a)
{
	return answer_ptr(a, mremap(a->base + a->unit, a->unit, a->unit,
				    MREMAP_MAYMOVE | MREMAP_FIXED, a->scratch));
}

static bool effect_moved_part(const struct area *a, const struct snapshot *now)
{
	return effect_unmapped_part(a, now) &&
	       has_word(a->scratch,
			expected_word(a, IN_MEMORY, a->base + a->unit));
}

/* The destination is mapped: it must survive a refusal. */
static void prepare_scratch(struct area *a)
{
	if (map_at(a->scratch, a->len, MAP_PRIVATE | MAP_ANONYMOUS, -1))
		fill(a->scratch, a->len / a->unit, a->unit, ELSEWHERE);
}

static int do_mremap_fixed_shrink(struct area *a)
{
	return do_mremap(a, a->len, a->unit, MREMAP_MAYMOVE | MREMAP_FIXED);
}

static bool effect_moved_and_shrunk(const struct area *a,
				    const struct snapshot *now)
{
	return none_mapped(a, now) && contents_at(a, a->scratch, a->unit);
}

static int do_mremap_dontunmap(struct area *a)
{
	return do_mremap(a, a->len, a->len, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
}

static int do_mremap_dontunmap_fixed(struct area *a)
{
	return do_mremap(a, a->len, a->len,
			 MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP);
}

/* What does a unit hold once it is discarded? */
static uint64_t discarded_word(const struct area *a, const char *at)
{
	switch (a->backing->kind) {
	case ANON:
	case BRK:
		return 0;
	case COW:
		return expected_word(a, IN_FILE, at);
	default:
		return expected_word(a, IN_MEMORY, at);
	}
}

static bool effect_discarded(const struct area *a, const struct snapshot *now)
{
	for (char *at = a->base; at < a->base + a->len; at += a->unit) {
		if (!has_word(at, discarded_word(a, at)))
			return false;
	}
	return true;
}

static bool effect_emptied(const struct area *a, const struct snapshot *now)
{
	return contents_at(a, a->result, a->len) && effect_discarded(a, now);
}

static int do_mremap_dup(struct area *a)
{
	return do_mremap(a, 0, a->len, MREMAP_MAYMOVE);
}

static bool effect_duplicated(const struct area *a, const struct snapshot *now)
{
	return contents_at(a, a->result, a->len) &&
	       contents_at(a, a->base, a->len);
}

static int do_mremap_over(struct area *a)
{
	return answer_ptr(a, mremap(a->scratch, a->len, a->len,
				    MREMAP_MAYMOVE | MREMAP_FIXED, a->base));
}

static bool effect_overwritten(const struct area *a, const struct snapshot *now)
{
	for (size_t i = 0; i < a->len / a->unit; i++) {
		if (!has_word(a->base + i * a->unit, content(ELSEWHERE, i)))
			return false;
	}
	return !vma_at(now, a->scratch);
}

/* brk(2) returns no errors: a refusal leaves the break where it was. */
static int do_brk_shrink(struct area *a)
{
	const unsigned long was = syscall(SYS_brk, 0);
	const unsigned long want = (unsigned long)a->base + a->unit;
	const unsigned long got = syscall(SYS_brk, want);

	if (got == want)
		return 0;
	return got == was ? EPERM : EIO;
}

static int do_shmdt(struct area *a)
{
	return answer(shmdt(a->base));
}

/* Make the first unit show what is in the second. */
static int do_remap_file_pages(struct area *a)
{
	return answer(syscall(SYS_remap_file_pages, a->base, a->unit, 0,
			      a->unit / page_size, 0));
}

static bool effect_remapped_file(const struct area *a, const struct snapshot *now)
{
	return has_word(a->base, expected_word(a, IN_MEMORY, a->base + a->unit)) &&
	       !vma_at(now, a->base)->codes[0];
}

static int do_mprotect(struct area *a)
{
	return answer(mprotect(a->base, a->len, PROT_NONE));
}

static int do_mprotect_part(struct area *a)
{
	return answer(mprotect(a->base + a->unit, a->unit, PROT_NONE));
}

static int do_mprotect_same(struct area *a)
{
	return answer(mprotect(a->base, a->len, prot_of(a)));
}

static int do_pkey_mprotect(struct area *a)
{
	return answer(syscall(SYS_pkey_mprotect, a->base, a->len, PROT_NONE, -1));
}

static int do_pkey_mprotect_key(struct area *a)
{
	const int key = syscall(SYS_pkey_alloc, 0, 0);

	if (key < 0)
		return answer(key);
	return answer(syscall(SYS_pkey_mprotect, a->base, a->len, prot_of(a), key));
}

static bool no_access(const struct snapshot *now, const char *at)
{
	const struct vma *vma = vma_at(now, at);

	return vma && !strncmp(vma->perms, "---", 3);
}

static bool effect_no_access(const struct area *a, const struct snapshot *now)
{
	for (char *at = a->base; at < a->base + a->len; at += a->unit) {
		if (!no_access(now, at))
			return false;
	}
	return true;
}

static bool effect_no_access_part(const struct area *a, const struct snapshot *now)
{
	return !no_access(now, a->base) && no_access(now, a->base + a->unit) &&
	       !no_access(now, a->base + 2 * a->unit);
}

static int do_dontneed(struct area *a)
{
	return answer(madvise(a->base, a->len, MADV_DONTNEED));
}

static int do_dontneed_part(struct area *a)
{
	return answer(madvise(a->base + a->unit, a->unit, MADV_DONTNEED));
}

static bool effect_discarded_part(const struct area *a, const struct snapshot *now)
{
	return has_word(a->base, expected_word(a, IN_MEMORY, a->base)) &&
	       has_word(a->base + a->unit, discarded_word(a, a->base + a->unit));
}

static int do_dontneed_locked(struct area *a)
{
	return answer(madvise(a->base, a->len, MADV_DONTNEED_LOCKED));
}

static int do_process_madvise(struct area *a)
{
	struct iovec vec = { a->base, a->len };
	int fd, err;

	fd = syscall(SYS_pidfd_open, getpid(), 0);
	if (fd < 0)
		return answer(fd);
	err = answer(syscall(SYS_process_madvise, fd, &vec, 1, MADV_DONTNEED, 0));
	close(fd);
	return err;
}

static int do_free(struct area *a)
{
	return answer(madvise(a->base, a->len, MADV_FREE));
}

static int do_remove(struct area *a)
{
	return answer(madvise(a->base, a->len, MADV_REMOVE));
}

static bool effect_zeroed(const struct area *a, const struct snapshot *now)
{
	for (char *at = a->base; at < a->base + a->len; at += a->unit) {
		if (!has_word(at, 0))
			return false;
	}
	return true;
}

static int do_dontfork(struct area *a)
{
	return answer(madvise(a->base, a->len, MADV_DONTFORK));
}

static bool effect_dontfork(const struct area *a, const struct snapshot *now)
{
	return all_flagged(a, now, "dc", true);
}

static int do_dontfork_part(struct area *a)
{
	return answer(madvise(a->base + a->unit, a->unit, MADV_DONTFORK));
}

static bool in_no_child(const struct snapshot *now, const char *at)
{
	const struct vma *vma = vma_at(now, at);

	return vma && vma_has_flag(vma, "dc");
}

static bool effect_dontfork_part(const struct area *a, const struct snapshot *now)
{
	return !in_no_child(now, a->base) && in_no_child(now, a->base + a->unit) &&
	       !in_no_child(now, a->base + 2 * a->unit);
}

static void prepare_dontfork(struct area *a)
{
	madvise(a->base, a->len, MADV_DONTFORK);
}

static int do_dofork(struct area *a)
{
	return answer(madvise(a->base, a->len, MADV_DOFORK));
}

static bool effect_dofork(const struct area *a, const struct snapshot *now)
{
	return all_flagged(a, now, "dc", false);
}

static int do_wipeonfork(struct area *a)
{
	return answer(madvise(a->base, a->len, MADV_WIPEONFORK));
}

static bool effect_wipeonfork(const struct area *a, const struct snapshot *now)
{
	return all_flagged(a, now, "wf", true);
}

/* Fails unless the memory is private anonymous; then there is nothing to do. */
static void prepare_wipeonfork(struct area *a)
{
	madvise(a->base, a->len, MADV_WIPEONFORK);
}

static int do_keeponfork(struct area *a)
{
	return answer(madvise(a->base, a->len, MADV_KEEPONFORK));
}

static bool effect_keeponfork(const struct area *a, const struct snapshot *now)
{
	return all_flagged(a, now, "wf", false);
}

static int do_guard_install(struct area *a)
{
	return answer(madvise(a->base, a->len, MADV_GUARD_INSTALL));
}

static bool effect_guarded(const struct area *a, const struct snapshot *now)
{
	for (char *at = a->base; at < a->base + a->len; at += a->unit) {
		if (peek(at).err != EFAULT)
			return false;
	}
	return true;
}

static void prepare_guarded(struct area *a)
{
	madvise(a->base, a->len, MADV_GUARD_INSTALL);
}

static int do_guard_remove(struct area *a)
{
	return answer(madvise(a->base, a->len, MADV_GUARD_REMOVE));
}

static int do_random(struct area *a)
{
	return answer(madvise(a->base, a->len, MADV_RANDOM));
}

static bool effect_random(const struct area *a, const struct snapshot *now)
{
	return all_flagged(a, now, "rr", true) && contents_at(a, a->base, a->len);
}

/* MLOCK_ONFAULT: mlock() would write to pages that a key may protect. */
static int do_mlock(struct area *a)
{
	return answer(mlock2(a->base, a->len, MLOCK_ONFAULT)) ?:
	       answer(munlock(a->base, a->len));
}

static bool effect_none(const struct area *a, const struct snapshot *now)
{
	return contents_at(a, a->base, a->len);
}

/* Running the matrix */

struct sealing {
	bool sealed;
	unsigned long flags;
};

static const char *sealing_name(const struct sealing *s)
{
	return s->sealed ? flags_name(s->flags) : "no seal";
}

/*
 * As the table in section 3 of the design: flags == 0 sets MAP, PROT and the
 * weak discard rule.
 */
static int expected(const struct op *op, const struct backing *b,
		    const struct sealing *s)
{
	const bool map = s->sealed && (!s->flags || s->flags & MSEAL_MAP);
	const bool prot = s->sealed && (!s->flags || s->flags & MSEAL_PROT);
	const bool weak = s->sealed && !s->flags && is_private_anon(b);
	const bool discard = s->sealed && s->flags & MSEAL_DISCARD;
	const bool writable = b->access == RW;
	bool refused;
	int plain = 0;

	for (size_t i = 0; i < ARRAY_SIZE(op->plain); i++) {
		if (!plain && op->plain[i].on & kind_of(b))
			plain = op->plain[i].err;
	}

	if (plain && op->plain_first)
		return plain;
	refused = (map && op->map) || (prot && op->prot) ||
		  (!writable && ((map && op->map_weak) || (weak && op->weak) ||
				 (discard && op->discard)));
	return refused ? EPERM : plain;
}

/* Why was it refused? What sealmap says before, and what the trace event says after. */

struct why {
	char verdict[16];	/* permitted, refused, depends */
	char rule[32];
	char by[48];
};

static const char *sealmap;	/* its path, or NULL */
static int trace_pipe = -1;
static bool kernel_without_flags;

#define TRACE_INSTANCE	"/sys/kernel/tracing/instances/mseal_attr_test"

/* Run sealmap --explain, and take from its lines what has to be compared. */
static bool ask_sealmap(const struct op *op, const struct area *a, struct why *why)
{
	char *at = a->base, pid[16], addr[32], len[32], text[1024], *line;
	size_t size = a->len, got = 0;
	int fds[2], status;
	ssize_t n;
	pid_t child;

	switch (op->where) {
	case WHOLE:
		break;
	case PART:
		at += a->unit;
		size = a->unit;
		break;
	case AROUND:
		at -= a->unit;
		size += 2 * a->unit;
		break;
	case FIRST:
		size = a->unit;
		break;
	}
	snprintf(pid, sizeof(pid), "%d", getpid());
	snprintf(addr, sizeof(addr), "%p", at);
	snprintf(len, sizeof(len), "%zu", size);

	if (pipe2(fds, O_CLOEXEC))
		return false;
	child = vfork();
	if (!child) {
		dup2(fds[1], 1);
		execl(sealmap, "sealmap", "--explain", pid, addr, len, op->call, NULL);
		_exit(127);
	}
	close(fds[1]);
	while (got < sizeof(text) - 1 &&
	       (n = read(fds[0], text + got, sizeof(text) - 1 - got)) > 0)
		got += n;
	text[got] = '\0';
	close(fds[0]);
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return false;

	memset(why, 0, sizeof(*why));
	if (sscanf(text, "%15[a-z]:", why->verdict) != 1)
		return false;
	line = strstr(text, "\nrefused by: ");
	if (line && sscanf(line, "\nrefused by: %47s", why->by) != 1)
		return false;
	line = strstr(text, "\nrule: ");
	if (line && sscanf(line, "\nrule: %31[a-z-]", why->rule) != 1)
		return false;

	/* The exit status says the same. */
	switch (WEXITSTATUS(status)) {
	case 0:
		return !strcmp(why->verdict, "permitted");
	case 1:
		return !strcmp(why->verdict, "refused");
	case 3:
		return !strcmp(why->verdict, "depends");
	}
	return false;
}

/*
 * What will the call return, as far as the seals matter? Asked before it is made, and
 * compared with what it does. Without sealmap: as expected.
 */
static int told(const char *call, char *at, size_t len, int want)
{
	const struct op op = { .call = call };
	const struct area area = { .base = at, .len = len };
	struct why why;

	if (!sealmap)
		return want;
	if (!ask_sealmap(&op, &area, &why))
		return -1;
	return strcmp(why.verdict, "permitted") ? EPERM : 0;
}

/*
 * Read what is in the trace, which also empties it: the events of this process, and what
 * the last one says in why. Below 0 if it cannot be read.
 */
static int read_trace(struct why *why)
{
	static char text[1 << 16];
	char owner[32], *line, *next, *by;
	size_t len = 0;
	int nr = 0;
	ssize_t n;

	snprintf(owner, sizeof(owner), " owner=%d\n", getpid());
	memset(why, 0, sizeof(*why));
	while (len < sizeof(text) - 1 &&
	       (n = read(trace_pipe, text + len, sizeof(text) - 1 - len)) > 0)
		len += n;
	text[len] = '\0';

	for (line = text; (next = strchr(line, '\n')); line = next) {
		const char last = *++next;

		*next = '\0';
		if (strstr(line, "mseal_refused: ") && strstr(line, owner)) {
			nr++;
			by = strstr(line, " refused_by=");
			if (sscanf(strstr(line, "mseal_refused: "), "mseal_refused: op=%31s",
				   why->rule) != 1 ||
			    !by || sscanf(by, " refused_by=%47s", why->by) != 1)
				return -1;
		}
		*next = last;
	}
	return nr;
}

/* A mremap() of several mappings may be refused as the munmap() that it also is. */
static bool same_rule(const struct op *op, const char *told, const char *rule)
{
	return !strcmp(told, rule) ||
	       (!strncmp(op->call, "mremap", 6) && !strcmp(rule, "unmap"));
}

/*
 * Do sealmap and the trace agree with what the kernel did? A call that failed for
 * another reason says nothing about the seals. Returns what is wrong, or NULL.
 */
static const char *check_why(const struct op *op, const struct backing *b,
			     const struct why *told, int got)
{
	static char wrong[200];
	const bool refused = got == EPERM;
	struct why traced;
	int nr;

	if (sealmap && (!got || refused)) {
		const char *want = !refused ? "permitted" :
				   b->access == NO_KEY && !strcmp(told->verdict, "depends") ?
				   "depends" : "refused";

		if (strcmp(told->verdict, want)) {
			snprintf(wrong, sizeof(wrong), "%s, but sealmap: '%s'",
				 errno_name(got), told->verdict);
			return wrong;
		}
	}
	if (trace_pipe < 0)
		return NULL;

	nr = read_trace(&traced);
	if (nr != refused) {
		snprintf(wrong, sizeof(wrong), "%s, but %d events mseal_refused",
			 errno_name(got), nr);
		return wrong;
	}
	if (refused && sealmap &&
	    (!same_rule(op, told->rule, traced.rule) || strcmp(told->by, traced.by))) {
		snprintf(wrong, sizeof(wrong), "sealmap: %s by %s, the event: %s by %s",
			 told->rule, told->by, traced.rule, traced.by);
		return wrong;
	}
	return NULL;
}

/* Which part is sealed, and which part the operation works on. */
struct layout {
	const char *name;
	size_t units;
	size_t sealed_from, sealed_units;
	size_t op_from, op_units;
};

static const struct layout one_vma = { "", 4, 0, 4, 0, 4 };

/* Three VMAs of two units each, so that they differ: see make_layout(). */
static const struct layout three_vmas[] = {
	{ ", 1st of 3 VMAs sealed",		6, 0, 2, 0, 6 },
	{ ", 2nd of 3 VMAs sealed",		6, 2, 2, 0, 6 },
	{ ", 3rd of 3 VMAs sealed",		6, 4, 2, 0, 6 },
	{ ", 1st of 3 VMAs sealed, done inside",	6, 0, 2, 1, 4 },
	{ ", 3rd of 3 VMAs sealed, done inside",	6, 4, 2, 1, 4 },
};

struct one_case {
	const struct op *op;
	const struct sealing *s;
	const struct backing *b;
	const struct layout *l;
};

static bool make_layout(struct area *a, const struct backing *b,
			const struct layout *l)
{
	if (!make_area(a, b, l->units))
		return false;
	/* A flag that no operation here changes keeps the VMAs from merging. */
	if (l->units == 6 &&
	    madvise(a->origin + 2 * a->unit, 2 * a->unit, MADV_DONTDUMP))
		return false;
	a->base = a->origin + l->op_from * a->unit;
	a->len = l->op_units * a->unit;
	return true;
}

/* Does each unit of the range have the codes that it had? */
static bool same_codes(const struct area *a, const struct snapshot *was,
		       const struct snapshot *now)
{
	for (char *at = a->base; at < a->base + a->len; at += a->unit) {
		const struct vma *old = vma_at(was, at), *new = vma_at(now, at);

		if (!old || !new || strcmp(old->codes, new->codes))
			return false;
	}
	return true;
}

/* Do exactly the sealed units show their seals? */
static bool codes_as_sealed(const struct area *a, const struct snapshot *was,
			    const struct sealing *s, const struct layout *l)
{
	for (size_t i = 0; i < l->units; i++) {
		const bool sealed = s->sealed && i >= l->sealed_from &&
				    i < l->sealed_from + l->sealed_units;
		const struct vma *vma = vma_at(was, a->origin + i * a->unit);

		if (!vma || strcmp(vma->codes,
				   sealed ? codes_of(seals_of(s->flags)) : ""))
			return false;
	}
	return true;
}

/* Returns what is wrong with the case, or NULL. */
static const char *try_case(const struct one_case *c, struct area *a)
{
	static struct snapshot was, now;
	static char wrong[160];
	const struct sealing *s = c->s;
	const struct layout *l = c->l;
	const struct op *op = c->op;
	const int want = expected(op, c->b, s);
	struct why why, traced;
	int got;

	if (!make_layout(a, c->b, l))
		return "cannot make the mapping";
	if (op->prepare)
		op->prepare(a);
	if (s->sealed) {
		got = sys_mseal(a->origin + l->sealed_from * a->unit,
				l->sealed_units * a->unit, s->flags);
		if (got) {
			snprintf(wrong, sizeof(wrong), "mseal: %s", errno_name(got));
			return wrong;
		}
	}

	take_snapshot(&was, a);
	if (!kernel_without_flags && !codes_as_sealed(a, &was, s, l))
		return "VmFlags do not show the seals";
	if (op->call && sealmap && !ask_sealmap(op, a, &why))
		return "sealmap failed";
	if (trace_pipe >= 0)
		read_trace(&traced);
	got = op->run(a);
	take_snapshot(&now, a);
	if (op->call) {
		const char *wrong_why;

		/* Mainline's shmdt() succeeds without doing it. */
		wrong_why = check_why(op, c->b, &why, kernel_without_flags && !got &&
				      !op->effect(a, &now) ? EPERM : got);
		if (wrong_why)
			return wrong_why;
	}
	if (kernel_without_flags)
		return NULL;

	if (got != want) {
		snprintf(wrong, sizeof(wrong), "expected %s, got %s",
			 errno_name(want), errno_name(got));
		return wrong;
	}
	if (got && memcmp(&was, &now, sizeof(was))) {
		print_snapshot("before", &was);
		print_snapshot("after", &now);
		snprintf(wrong, sizeof(wrong), "%s, but something has changed",
			 errno_name(got));
		return wrong;
	}
	if (!got && !op->effect(a, &now)) {
		print_snapshot("before", &was);
		print_snapshot("after", &now);
		return "ok, but it was not done";
	}
	if (!got && op->in_place && !same_codes(a, &was, &now))
		return "ok, but the seals have changed";
	return NULL;
}

/* Unmap what is not sealed, to keep smaps short. */
static void clean_up(const struct area *a)
{
	if (a->backing->kind != BRK)
		munmap(a->origin, SPAN * a->unit);
	munmap(a->scratch, SPAN * a->unit);
}

static void print_case(const struct one_case *c)
{
	fprintf(stderr, "# %s, %s, %s%s: ", c->op->name, c->b->name,
		sealing_name(c->s), c->l->name);
}

/* The number of the case that the child is at; shared with it. */
static int *progress;

/* Unmap the harness's page of each test: smaps is slow with many VMAs. */
static void drop_other_tests(void)
{
	unsigned long from = 0, to = 0, start, end;
	char perms[5];
	char *line;

	for (line = read_proc("/proc/self/maps"); line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (sscanf(line, "%lx-%lx %4s", &start, &end, perms) != 3 ||
		    strcmp(perms, "rw-s") || start == (unsigned long)progress)
			continue;
		if (start != to) {
			munmap((void *)from, to - from);
			from = start;
		}
		to = end;
	}
	munmap((void *)from, to - from);
}

/* Run some cases. Returns how many failed. */
static int some_cases(const struct one_case *cases, int nr)
{
	int failed = 0;

	drop_other_tests();
	for (int i = 0; i < nr && i < 8; i++) {
		struct area a = { 0 };
		const char *wrong;

		*progress = i;
		wrong = try_case(&cases[i], &a);
		if (wrong) {
			print_case(&cases[i]);
			fprintf(stderr, "%s\n", wrong);
			failed++;
		}
		if (cases[i].b->huge || cases[i].b->kind == BRK)
			break;
		if (a.scratch)
			clean_up(&a);
	}
	return failed;
}

/*
 * Run cases in children that take a few each: seals stay until a child ends,
 * and a crash is only a failed case. Huge pages are scarce and there is one
 * heap, so a child ends once it has used one. Returns the number of failed
 * cases.
 */
static int run_cases(const struct one_case *cases, int nr)
{
	int failed = 0, done = 0, status;
	pid_t pid;

	while (done < nr) {
		*progress = 0;
		pid = fork();
		if (!pid)
			_exit(some_cases(cases + done, nr - done));
		if (pid < 0 || waitpid(pid, &status, 0) != pid) {
			fprintf(stderr, "# no process: %s\n", strerror(errno));
			return failed + 1;
		}
		if (WIFEXITED(status)) {
			failed += WEXITSTATUS(status);
		} else {
			print_case(&cases[done + *progress]);
			fprintf(stderr, "killed by signal %d\n", WTERMSIG(status));
			failed++;
		}
		done += *progress + 1;
	}
	return failed;
}

static bool applies(const struct op *op, size_t i)
{
	return have_backing[i] &&
	       (!op->only_on || op->only_on & kind_of(&backings[i]));
}

static void run_matrix(struct __test_metadata *_metadata, const struct op *op,
		       const struct sealing *s)
{
	struct one_case cases[ARRAY_SIZE(backings)];
	int nr = 0;

	if (kernel_without_flags && s->sealed && s->flags)
		SKIP(return, "mseal() of this kernel knows no flags");
	if (op->needs && !*op->needs)
		SKIP(return, "%s: not on this machine", op->name);

	for (size_t i = 0; i < ARRAY_SIZE(backings); i++) {
		if (applies(op, i))
			cases[nr++] = (struct one_case){ op, s, &backings[i], &one_vma };
	}
	if (!nr)
		SKIP(return, "%s: no mapping for it on this machine", op->name);
	EXPECT_EQ(0, run_cases(cases, nr));
}

static void run_spans(struct __test_metadata *_metadata, const struct op *op,
		      const struct sealing *s)
{
	struct one_case cases[ARRAY_SIZE(backings) * ARRAY_SIZE(three_vmas)];
	int nr = 0;

	if (op->needs && !*op->needs)
		SKIP(return, "%s: not on this machine", op->name);

	for (size_t i = 0; i < ARRAY_SIZE(backings); i++) {
		if (!applies(op, i) || (!op->only_on && !backings[i].spans))
			continue;
		for (size_t j = 0; j < ARRAY_SIZE(three_vmas); j++) {
			/* These need the start of the segment or heap. */
			if (op->only_on && three_vmas[j].op_from)
				continue;
			cases[nr++] = (struct one_case){ op, s, &backings[i],
							 &three_vmas[j] };
		}
	}
	if (!nr)
		SKIP(return, "%s: no mapping for it on this machine", op->name);
	EXPECT_EQ(0, run_cases(cases, nr));
}

#define SEALINGS(fixture)						\
	FIXTURE(fixture) { };						\
	FIXTURE_SETUP(fixture) { }					\
	FIXTURE_TEARDOWN(fixture) { }					\
	FIXTURE_VARIANT(fixture) {					\
		struct sealing s;					\
	};								\
	SEALING(fixture, no_seal, false, 0);				\
	SEALING(fixture, flags_0, true, 0);				\
	SEALING(fixture, map, true, MSEAL_MAP);				\
	SEALING(fixture, prot, true, MSEAL_PROT);			\
	SEALING(fixture, discard, true, MSEAL_DISCARD);			\
	SEALING(fixture, map_prot, true, MSEAL_MAP | MSEAL_PROT);	\
	SEALING(fixture, map_discard, true, MSEAL_MAP | MSEAL_DISCARD);	\
	SEALING(fixture, prot_discard, true, MSEAL_PROT | MSEAL_DISCARD); \
	SEALING(fixture, all, true, MSEAL_ALL)

#define SEALING(fixture, variant, sealed, flags)			\
	FIXTURE_VARIANT_ADD(fixture, variant) { { sealed, flags } }

SEALINGS(matrix);
SEALINGS(spans);

#define OP_ONE_VMA(id, ...)							\
	static const struct op op_##id = { #id, __VA_ARGS__ };		\
	TEST_F(matrix, id)							\
	{								\
		run_matrix(_metadata, &op_##id, &variant->s);		\
	}

#define OP_SPANS(id, ...)						\
	OP_ONE_VMA(id, __VA_ARGS__)					\
	TEST_F(spans, id)						\
	{								\
		run_spans(_metadata, &op_##id, &variant->s);		\
	}

/* MAP: the mapping stays, and where it is. */
OP_SPANS(munmap, .call = "munmap",
	 .map = true, .run = do_munmap, .effect = effect_unmapped)
OP_ONE_VMA(munmap_part, .call = "munmap", .where = PART,
	   .map = true, .run = do_munmap_part, .effect = effect_unmapped_part)
OP_SPANS(munmap_around, .call = "munmap", .where = AROUND,
	 .map = true, .run = do_munmap_around,
	 .effect = effect_unmapped)
OP_SPANS(map_fixed, .call = "mmap",
	 .map = true, .run = do_map_fixed, .effect = effect_replaced)
OP_ONE_VMA(map_fixed_part, .call = "mmap", .where = PART,
	   .map = true, .run = do_map_fixed_part,
	   .effect = effect_replaced_part)
OP_SPANS(map_fixed_around, .call = "mmap", .where = AROUND,
	 .map = true, .run = do_map_fixed_around,
	 .effect = effect_replaced)
OP_SPANS(shmat_remap, .call = "shmat",
	 .map = true, .needs = &have_shm, .run = do_shmat_remap,
	 .effect = effect_replaced)
OP_ONE_VMA(mremap_same, .call = "mremap",
	   .map = true, .in_place = true, .run = do_mremap_same,
	   .effect = effect_none)
OP_SPANS(mremap_shrink, .call = "mremap",
	 .map = true, .run = do_mremap_shrink,
	 .effect = effect_shrunk)
OP_ONE_VMA(mremap_expand, .call = "mremap",
	   .map = true, .plain = { { HUGE, EINVAL } },
	   .in_place = true, .run = do_mremap_expand, .effect = effect_expanded)
OP_ONE_VMA(mremap_maymove, .call = "mremap",
	   .map = true, .plain = { { HUGE, EINVAL } },
	   .prepare = prepare_blocked, .run = do_mremap_maymove, .effect = effect_moved)
OP_SPANS(mremap_fixed, .call = "mremap",
	 .map = true, .prepare = prepare_scratch,
	 .run = do_mremap_fixed, .effect = effect_moved_fixed)
OP_ONE_VMA(mremap_fixed_part, .call = "mremap", .where = PART,
	   .map = true, .run = do_mremap_part,
	   .effect = effect_moved_part)
OP_SPANS(mremap_fixed_shrink, .call = "mremap",
	 .map = true, .prepare = prepare_scratch,
	 .run = do_mremap_fixed_shrink, .effect = effect_moved_and_shrunk)
OP_ONE_VMA(mremap_dup, .call = "mremap",
	   .map = true,
	   .plain = { { PRIVATE | HUGE, EINVAL } },
	   .in_place = true, .run = do_mremap_dup, .effect = effect_duplicated)
OP_SPANS(mremap_over, .call = "mremap-onto",
	 .map = true, .prepare = prepare_scratch,
	 .run = do_mremap_over, .effect = effect_overwritten)
OP_SPANS(brk_shrink, .call = "brk",
	 .map = true, .only_on = ON(BRK), .run = do_brk_shrink,
	 .effect = effect_shrunk)
OP_SPANS(shmdt, .call = "shmdt",
	 .map = true, .only_on = ON(SHM), .run = do_shmdt,
	 .effect = effect_unmapped)
OP_ONE_VMA(remap_file_pages, .call = "remap_file_pages", .where = FIRST,
	   .map = true, .plain = { { PRIVATE, EINVAL } },
	   .plain_first = true, .needs = &have_remap_file_pages,
	   .run = do_remap_file_pages, .effect = effect_remapped_file)

/*
 * MAP: the mapping stays in a child, too, unless the caller could have changed
 * the contents anyway.
 */
OP_SPANS(dontfork, .call = "MADV_DONTFORK",
	 .map_weak = true, .in_place = true, .run = do_dontfork,
	 .effect = effect_dontfork)
OP_ONE_VMA(dontfork_part, .call = "MADV_DONTFORK", .where = PART,
	   .map_weak = true, .in_place = true,
	   .run = do_dontfork_part, .effect = effect_dontfork_part)

/* PROT: what the mapping permits. */
OP_SPANS(mprotect, .call = "mprotect",
	 .prot = true, .in_place = true, .run = do_mprotect,
	 .effect = effect_no_access)
OP_ONE_VMA(mprotect_part, .call = "mprotect", .where = PART,
	   .prot = true, .in_place = true, .run = do_mprotect_part,
	   .effect = effect_no_access_part)
OP_SPANS(mprotect_same, .call = "mprotect",
	 .prot = true, .in_place = true, .run = do_mprotect_same,
	 .effect = effect_none)
OP_SPANS(pkey_mprotect, .call = "pkey_mprotect",
	 .prot = true, .needs = &have_key_calls, .in_place = true,
	 .run = do_pkey_mprotect, .effect = effect_no_access)
OP_ONE_VMA(pkey_mprotect_key, .call = "pkey_mprotect",
	   .prot = true, .needs = &have_keys, .in_place = true,
	   .run = do_pkey_mprotect_key, .effect = effect_none)

/* PROT and DISCARD: guard pages remove access, and the contents. */
OP_SPANS(guard_install, .call = "MADV_GUARD_INSTALL",
	 .prot = true, .discard = true, .weak = true,
	 .plain = { { HUGE, EINVAL } }, .needs = &have_guards,
	 .in_place = true, .run = do_guard_install, .effect = effect_guarded)
OP_SPANS(guard_remove, .call = "MADV_GUARD_REMOVE",
	 .prot = true, .plain = { { HUGE, EINVAL } },
	 .needs = &have_guards, .in_place = true, .prepare = prepare_guarded,
	 .run = do_guard_remove, .effect = effect_discarded)

/* DISCARD: the contents, against callers that cannot write to the mapping. */
OP_SPANS(dontneed, .call = "MADV_DONTNEED",
	 .discard = true, .weak = true, .in_place = true,
	 .run = do_dontneed, .effect = effect_discarded)
OP_ONE_VMA(dontneed_part, .call = "MADV_DONTNEED", .where = PART,
	   .discard = true, .weak = true, .in_place = true,
	   .run = do_dontneed_part, .effect = effect_discarded_part)
OP_SPANS(dontneed_locked, .call = "MADV_DONTNEED_LOCKED",
	 .discard = true, .weak = true, .in_place = true,
	 .run = do_dontneed_locked, .effect = effect_discarded)
OP_SPANS(process_madvise, .call = "MADV_DONTNEED",
	 .discard = true, .weak = true,
	 .needs = &have_process_madvise, .in_place = true,
	 .run = do_process_madvise, .effect = effect_discarded)
/* The kernel decides when the pages go, so no effect is visible. */
OP_SPANS(free, .call = "MADV_FREE",
	 .discard = true, .weak = true, .plain = { { ~PRIVATE_ANON, EINVAL } },
	 .in_place = true, .run = do_free, .effect = all_mapped)
OP_SPANS(remove, .call = "MADV_REMOVE",
	 .discard = true, .weak = true,
	 .plain = { { PRIVATE_ANON, EINVAL }, { PRIVATE, EACCES } },
	 .in_place = true, .run = do_remove, .effect = effect_zeroed)
OP_SPANS(wipeonfork, .call = "MADV_WIPEONFORK",
	 .discard = true, .weak = true,
	 .plain = { { ~PRIVATE_ANON, EINVAL } }, .in_place = true,
	 .run = do_wipeonfork, .effect = effect_wipeonfork)
OP_SPANS(keeponfork, .call = "MADV_KEEPONFORK",
	 .discard = true, .in_place = true,
	 .prepare = prepare_wipeonfork, .run = do_keeponfork,
	 .effect = effect_keeponfork)

/* MAP and DISCARD: the contents move away, the mapping stays. */
OP_ONE_VMA(mremap_dontunmap, .call = "mremap-dontunmap",
	   .map = true, .discard = true,
	   .plain = { { HUGE, EINVAL } }, .in_place = true,
	   .run = do_mremap_dontunmap, .effect = effect_emptied)
OP_SPANS(mremap_dontunmap_fixed, .call = "mremap-dontunmap",
	 .map = true, .discard = true,
	 .plain = { { HUGE, EINVAL } }, .in_place = true,
	 .prepare = prepare_scratch, .run = do_mremap_dontunmap_fixed,
	 .effect = effect_emptied)

/* No seal refuses these. */
OP_SPANS(dofork, .call = "MADV_DOFORK",
	 .plain = { { HUGE, EINVAL } }, .in_place = true,
	 .prepare = prepare_dontfork, .run = do_dofork, .effect = effect_dofork)
OP_SPANS(random, .in_place = true, .run = do_random, .effect = effect_random)
OP_SPANS(mlock, .in_place = true, .run = do_mlock, .effect = effect_none)

/* mseal() itself */

#define PAGES	8

/* Map pages of writable anonymous memory, with nothing near them. */
static char *map_pages(size_t pages)
{
	char *at = find_hole(pages + 2 * PAGES, page_size);

	at = at ? map_at(at + PAGES * page_size, pages * page_size,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1) : NULL;
	if (at)
		fill(at, pages, page_size, IN_MEMORY);
	return at;
}

/*
 * Are the VMAs what pages with these seals require? Each has its codes, and
 * there is a border where two neighbours differ, and nowhere else.
 */
static bool pages_have(const char *at, const unsigned int *seals, int pages)
{
	struct vma vmas[PAGES + 1];
	int i, nr, used = 0;

	nr = read_vmas(at, at + pages * page_size, vmas, PAGES + 1);
	for (i = 0; i < pages; i++) {
		if (i && strcmp(codes_of(seals[i]), codes_of(seals[i - 1])))
			used++;
		if (used >= nr || strcmp(vmas[used].codes, codes_of(seals[i])))
			break;
		if ((unsigned long)at + i * page_size < vmas[used].start ||
		    (unsigned long)at + (i + 1) * page_size > vmas[used].end)
			break;
	}
	if (i == pages && used + 1 == nr)
		return true;

	for (i = 0; i < pages; i++)
		fprintf(stderr, "#   page %d: expected \"%s\"\n", i,
			codes_of(seals[i]));
	for (i = 0; i < nr && i < PAGES + 1; i++)
		fprintf(stderr, "#   %ld to %ld: got \"%s\"\n",
			(long)(vmas[i].start - (unsigned long)at) / (long)page_size,
			(long)(vmas[i].end - (unsigned long)at) / (long)page_size,
			vmas[i].codes);
	return false;
}

static bool pages_all_have(const char *at, unsigned int seals, int pages)
{
	unsigned int all[PAGES];

	for (int i = 0; i < PAGES; i++)
		all[i] = seals;
	return pages_have(at, all, pages);
}

FIXTURE(mseal) { };
FIXTURE_TEARDOWN(mseal) { }
FIXTURE_VARIANT(mseal) {
	unsigned long flags;
};

FIXTURE_SETUP(mseal)
{
	if (kernel_without_flags && variant->flags)
		SKIP(return, "mseal() of this kernel knows no flags");
}

#define FLAGS(variant, value)						\
	FIXTURE_VARIANT_ADD(mseal, variant) { value }

FLAGS(flags_0, 0);
FLAGS(map, MSEAL_MAP);
FLAGS(prot, MSEAL_PROT);
FLAGS(discard, MSEAL_DISCARD);
FLAGS(map_prot, MSEAL_MAP | MSEAL_PROT);
FLAGS(map_discard, MSEAL_MAP | MSEAL_DISCARD);
FLAGS(prot_discard, MSEAL_PROT | MSEAL_DISCARD);
FLAGS(all, MSEAL_ALL);

/* Programs probe a kernel for its flags this way. */
TEST(known_flags)
{
	for (unsigned long flags = 0; flags <= MSEAL_ALL; flags++) {
		EXPECT_EQ(0, sys_mseal(NULL, 0, flags))
			TH_LOG("%s", flags_name(flags));
	}
}

/* These are refused before anything else is checked, and nothing is sealed. */
TEST(unknown_flags)
{
	static const unsigned long unknown[] = {
		0x8, 0x10, 0x20, 0x40, 1UL << 31, 1UL << 32, 1UL << 42, 1UL << 63,
		~0UL & ~MSEAL_ALL,
	};
	char *at = map_pages(PAGES);
	char *hole = find_hole(PAGES, page_size);
	const struct {
		const char *name;
		char *at;
		size_t len;
	} ranges[] = {
		{ "no range",		NULL,		0 },
		{ "pages",		at,		PAGES * page_size },
		{ "no length",		at,		0 },
		{ "unaligned",		at + 1,		page_size },
		{ "nothing there",	hole,		page_size },
		{ "wraps around",	at,		-page_size },
	};

	ASSERT_NE(NULL, at);
	ASSERT_NE(NULL, hole);
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		for (unsigned long known = 0; known <= MSEAL_ALL; known++) {
			const unsigned long flags = unknown[i] | known;

			for (size_t j = 0; j < ARRAY_SIZE(ranges); j++) {
				EXPECT_EQ(EINVAL, sys_mseal(ranges[j].at,
							    ranges[j].len, flags))
					TH_LOG("flags %#lx, %s", flags,
					       ranges[j].name);
			}
		}
	}
	EXPECT_TRUE(pages_all_have(at, 0, PAGES));
}

TEST_F(mseal, bad_ranges)
{
	const unsigned long flags = variant->flags;
	char *at = map_pages(PAGES);
	char *hole = find_hole(PAGES, page_size);
	const size_t huge = 1UL << 46;

	ASSERT_NE(NULL, at);
	ASSERT_NE(NULL, hole);
	/* Unaligned addresses, whatever the length */
	EXPECT_EQ(EINVAL, sys_mseal(at + 1, page_size, flags));
	EXPECT_EQ(EINVAL, sys_mseal(at + page_size - 1, 1, flags));
	EXPECT_EQ(EINVAL, sys_mseal(at + 8, 0, flags));
	EXPECT_EQ(EINVAL, sys_mseal(hole + 1, page_size, flags));
	/* Ranges that wrap around, by rounding up or by the addition */
	EXPECT_EQ(EINVAL, sys_mseal(at, -1, flags));
	EXPECT_EQ(EINVAL, sys_mseal(at, -page_size + 1, flags));
	EXPECT_EQ(EINVAL, sys_mseal(at, -page_size, flags));
	EXPECT_EQ(EINVAL, sys_mseal(at, -(unsigned long)at - 1 + page_size,
				    flags));
	/* Nothing there, or not everywhere */
	EXPECT_EQ(ENOMEM, sys_mseal(hole, page_size, flags));
	EXPECT_EQ(ENOMEM, sys_mseal(at, huge, flags));
	/* Without a length the range is not even looked at. */
	EXPECT_EQ(0, sys_mseal(at, 0, flags));
	EXPECT_EQ(0, sys_mseal(hole, 0, flags));
	EXPECT_TRUE(pages_all_have(at, 0, PAGES));
}

TEST(length_is_rounded_up)
{
	const size_t lens[] = {
		1, 2, page_size - 1, page_size, page_size + 1, 2 * page_size - 1,
		2 * page_size, 7 * page_size + 1,
	};

	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		unsigned int seals[PAGES] = { 0 };
		char *at = map_pages(PAGES);

		ASSERT_NE(NULL, at);
		EXPECT_EQ(0, sys_mseal(at, lens[i], MSEAL_PROT));
		for (size_t j = 0; j * page_size < lens[i]; j++)
			seals[j] = SEAL_PROT;
		EXPECT_TRUE(pages_have(at, seals, PAGES))
			TH_LOG("length %zu", lens[i]);
	}
}

/* Nothing is sealed if the range has a gap. */
TEST_F(mseal, gaps)
{
	const unsigned long flags = variant->flags;
	static const struct {
		const char *name;
		int from, to;
	} ranges[] = {
		{ "gap at the start",			-2, 2 },
		{ "gap in the middle",			0, 8 },
		{ "gap in the middle, borders inside",	1, 7 },
		{ "gap at the end",			5, 10 },
		{ "gaps everywhere",			-1, 9 },
		{ "a page before a gap",		2, 4 },
		{ "a page after a gap",			4, 6 },
		{ "only a gap",				3, 5 },
	};
	char *at = map_pages(PAGES);

	ASSERT_NE(NULL, at);
	ASSERT_EQ(0, munmap(at + 3 * page_size, 2 * page_size));
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		const int pages = ranges[i].to - ranges[i].from;

		EXPECT_EQ(ENOMEM, sys_mseal(at + ranges[i].from * (long)page_size,
					    pages * page_size, flags))
			TH_LOG("%s", ranges[i].name);
		EXPECT_TRUE(pages_all_have(at, 0, 3) &&
			    pages_all_have(at + 5 * page_size, 0, 3))
			TH_LOG("%s, %s", ranges[i].name, flags_name(flags));
	}
	/* The pages themselves can be sealed: */
	EXPECT_EQ(0, sys_mseal(at, 3 * page_size, flags));
	EXPECT_EQ(0, sys_mseal(at + 5 * page_size, 3 * page_size, flags));
}

/* The same if some pages are sealed already: the call adds nothing to them. */
TEST(gap_behind_sealed_pages)
{
	unsigned int seals[3] = { SEAL_MAP, SEAL_MAP, 0 };
	char *at = map_pages(PAGES);

	ASSERT_NE(NULL, at);
	ASSERT_EQ(0, munmap(at + 3 * page_size, page_size));
	ASSERT_EQ(0, sys_mseal(at, 2 * page_size, MSEAL_MAP));
	EXPECT_EQ(ENOMEM, sys_mseal(at, PAGES * page_size, MSEAL_PROT));
	EXPECT_EQ(ENOMEM, sys_mseal(at + page_size, 3 * page_size, MSEAL_ALL));
	EXPECT_TRUE(pages_have(at, seals, 3));
	EXPECT_TRUE(pages_all_have(at + 4 * page_size, 0, 4));
}

TEST_F(mseal, reseal_adds)
{
	const unsigned long first = variant->flags;

	for (unsigned long then = 0; then <= MSEAL_ALL; then++) {
		const unsigned int seals = seals_of(first) | seals_of(then);
		char *at = map_pages(PAGES);

		ASSERT_NE(NULL, at);
		for (int i = 0; i < 2; i++) {
			EXPECT_EQ(0, sys_mseal(at, PAGES * page_size, first));
			EXPECT_TRUE(pages_all_have(at, seals_of(first), PAGES));
		}
		for (int i = 0; i < 2; i++) {
			EXPECT_EQ(0, sys_mseal(at, PAGES * page_size, then));
			EXPECT_TRUE(pages_all_have(at, seals, PAGES))
				TH_LOG("%s, then %s", flags_name(first),
				       flags_name(then));
		}
		/* No call removes a seal. */
		EXPECT_EQ(0, sys_mseal(at, PAGES * page_size, first));
		EXPECT_TRUE(pages_all_have(at, seals, PAGES));
	}
}

/* VMAs with the same seals merge, whatever calls have set them. */
TEST_F(mseal, reseal_merges)
{
	const unsigned long first = variant->flags;
	const size_t half = PAGES / 2 * page_size;

	for (unsigned long then = 0; then <= MSEAL_ALL; then++) {
		const unsigned int seals = seals_of(first) | seals_of(then);
		char *at = map_pages(PAGES);

		ASSERT_NE(NULL, at);
		EXPECT_EQ(0, sys_mseal(at, half, first));
		EXPECT_EQ(0, sys_mseal(at, half, then));
		EXPECT_EQ(0, sys_mseal(at + half, half, then));
		EXPECT_EQ(0, sys_mseal(at + half, half, first));
		EXPECT_TRUE(pages_all_have(at, seals, PAGES))
			TH_LOG("%s, then %s", flags_name(first),
			       flags_name(then));
	}
}

/* One call with several flags does what one call for each of them does. */
TEST(flags_add_up)
{
	for (unsigned long first = 1; first <= MSEAL_ALL; first++) {
		for (unsigned long then = 1; then <= MSEAL_ALL; then++) {
			char *at = map_pages(2);

			ASSERT_NE(NULL, at);
			EXPECT_EQ(0, sys_mseal(at, page_size, first));
			EXPECT_EQ(0, sys_mseal(at, page_size, then));
			EXPECT_EQ(0, sys_mseal(at + page_size, page_size, first | then));
			EXPECT_TRUE(pages_all_have(at, seals_of(first | then), 2))
				TH_LOG("%s, then %s", flags_name(first),
				       flags_name(then));
		}
	}
}

/* Parts have some of the seals already, on either side of a part without. */
TEST_F(mseal, merges_all_round)
{
	const unsigned long flags = variant->flags;
	static const unsigned long partly[] = { MSEAL_MAP, MSEAL_PROT, MSEAL_DISCARD };

	for (size_t i = 0; i < ARRAY_SIZE(partly); i++) {
		char *at = map_pages(PAGES);

		if ((seals_of(partly[i]) | seals_of(flags)) != seals_of(flags))
			continue;
		ASSERT_NE(NULL, at);
		EXPECT_EQ(0, sys_mseal(at, page_size, flags));
		EXPECT_EQ(0, sys_mseal(at + 7 * page_size, page_size, flags));
		EXPECT_EQ(0, sys_mseal(at + 2 * page_size, page_size, partly[i]));
		EXPECT_EQ(0, sys_mseal(at + 5 * page_size, 2 * page_size, partly[i]));
		EXPECT_EQ(0, sys_mseal(at + page_size, 6 * page_size, flags));
		EXPECT_TRUE(pages_all_have(at, seals_of(flags), PAGES))
			TH_LOG("%s, some of it %s before", flags_name(flags),
			       flags_name(partly[i]));
	}
}

/* For each pair of flags for the two halves of a mapping */
TEST_F(mseal, only_equal_seals_merge)
{
	const unsigned long low = variant->flags;
	const size_t half = PAGES / 2 * page_size;
	unsigned int seals[PAGES];

	for (unsigned long high = 0; high <= MSEAL_ALL; high++) {
		char *at = map_pages(PAGES);

		ASSERT_NE(NULL, at);
		for (int i = 0; i < PAGES; i++)
			seals[i] = seals_of(i < PAGES / 2 ? low : high);
		EXPECT_EQ(0, sys_mseal(at + half, half, high));
		EXPECT_EQ(0, sys_mseal(at, half, low));
		EXPECT_TRUE(pages_have(at, seals, PAGES))
			TH_LOG("%s and %s", flags_name(low),
			       flags_name(high));
	}
}

/* A new mapping beside a sealed one is not sealed and does not merge. */
TEST_F(mseal, neighbours_are_not_sealed)
{
	const unsigned long flags = variant->flags;
	unsigned int seals[4] = { 0, seals_of(flags), seals_of(flags), 0 };
	char *at = map_pages(2);

	ASSERT_NE(NULL, at);
	EXPECT_EQ(0, sys_mseal(at, 2 * page_size, flags));
	at -= page_size;
	ASSERT_NE(NULL, map_at(at, page_size, MAP_PRIVATE | MAP_ANONYMOUS, -1));
	ASSERT_NE(NULL, map_at(at + 3 * page_size, page_size,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1));
	EXPECT_TRUE(pages_have(at, seals, 4));
	EXPECT_EQ(0, munmap(at, page_size));
	EXPECT_EQ(0, munmap(at + 3 * page_size, page_size));
}

/* Seal every part of a mapping: it is split at the borders of the part only. */
TEST_F(mseal, parts)
{
	const unsigned long flags = variant->flags;
	unsigned int seals[PAGES];

	for (int from = 0; from < PAGES; from++) {
		for (int to = from + 1; to <= PAGES; to++) {
			char *at = map_pages(PAGES);

			ASSERT_NE(NULL, at);
			for (int i = 0; i < PAGES; i++)
				seals[i] = i >= from && i < to ?
					   seals_of(flags) : 0;
			EXPECT_EQ(0, sys_mseal(at + from * page_size,
					       (to - from) * page_size,
					       flags));
			EXPECT_TRUE(pages_have(at, seals, PAGES))
				TH_LOG("%s on pages %d to %d",
				       flags_name(flags), from, to);
		}
	}
}

/* A long random walk, checked against a model: a set of seals for each page. */
TEST(random_seals)
{
	unsigned int random = 0x5ea1;

	for (int round = 0; round < 20; round++) {
		unsigned int seals[PAGES] = { 0 };
		char *at = map_pages(PAGES);

		ASSERT_NE(NULL, at);
		for (int step = 0; step < 10; step++) {
			unsigned long flags;
			int from, to;

			random = random * 1664525 + 1013904223;
			flags = random >> 16 & MSEAL_ALL;
			from = (random >> 20) % PAGES;
			to = from + 1 + (random >> 24) % (PAGES - from);

			EXPECT_EQ(0, sys_mseal(at + from * page_size,
					       (to - from) * page_size, flags));
			for (int i = from; i < to; i++)
				seals[i] |= seals_of(flags);
			ASSERT_TRUE(pages_have(at, seals, PAGES))
				TH_LOG("round %d, step %d: %s on pages %d to %d",
				       round, step, flags_name(flags), from, to);
		}
		EXPECT_TRUE(has_word(at, content(IN_MEMORY, 0)));
	}
}

/* One call seals mappings that have nothing in common. */
TEST_F(mseal, different_mappings)
{
	const unsigned long flags = variant->flags;
	const char *codes = codes_of(seals_of(flags));
	struct vma vmas[7];
	char *at;
	int fd;

	at = find_hole(16, page_size);
	ASSERT_NE(NULL, at);
	fd = memfd_create("mseal", MFD_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, 4 * page_size));
	ASSERT_NE(NULL, map_at(at, 2 * page_size,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1));
	ASSERT_EQ(0, mprotect(at, page_size, PROT_NONE));
	ASSERT_NE(NULL, map_at(at + 2 * page_size, page_size,
			       MAP_SHARED | MAP_ANONYMOUS, -1));
	ASSERT_NE(NULL, map_at(at + 3 * page_size, page_size, MAP_PRIVATE, fd));
	ASSERT_NE(NULL, map_at(at + 4 * page_size, 2 * page_size,
			       MAP_SHARED, fd));
	close(fd);

	/* Half of the last mapping is not sealed. */
	EXPECT_EQ(0, sys_mseal(at, 5 * page_size, flags));
	ASSERT_EQ(6, read_vmas(at, at + 6 * page_size, vmas, 7));
	for (int i = 0; i < 5; i++)
		EXPECT_STREQ(codes, vmas[i].codes);
	EXPECT_STREQ("", vmas[5].codes);
}

/* Memory that the kernel may drop cannot keep its contents; gaps come first. */
TEST_F(mseal, droppable)
{
	const unsigned long flags = variant->flags;
	const bool discard = flags & MSEAL_DISCARD;
	char *at = map_pages(3);

	ASSERT_NE(NULL, at);
	ASSERT_EQ(0, munmap(at + page_size, 2 * page_size));
	if (mmap(at + page_size, page_size, PROT_READ | PROT_WRITE, MAP_DROPPABLE |
		 MAP_ANONYMOUS | MAP_FIXED, -1, 0) != at + page_size)
		SKIP(return, "the kernel has no MAP_DROPPABLE");

	EXPECT_EQ(ENOMEM, sys_mseal(at, 3 * page_size, flags));
	EXPECT_TRUE(pages_all_have(at, 0, 1) && pages_all_have(at + page_size, 0, 1));
	EXPECT_EQ(discard ? EINVAL : 0, sys_mseal(at, 2 * page_size, flags));
	EXPECT_TRUE(pages_all_have(at, discard ? 0 : seals_of(flags), 1));
	EXPECT_TRUE(pages_all_have(at + page_size, discard ? 0 : seals_of(flags), 1));
}

/* Operations on a sealed mapping; they return what it answers. */
static int try_unmap(char *at)
{
	return munmap(at, page_size) ? errno : 0;
}

static int try_protect(char *at)
{
	return mprotect(at, page_size, PROT_READ) ? errno : 0;
}

static int try_discard(char *at)
{
	return madvise(at, page_size, MADV_DONTNEED) ? errno : 0;
}

/* In a child or grandchild: has the mapping these seals, and do they work? */
static bool seals_work(char *at, unsigned long flags)
{
	const unsigned int seals = seals_of(flags);
	const int discard = seals & SEAL_DISCARD_WEAK ? EPERM : 0;
	const int prot = seals & SEAL_PROT ? EPERM : 0;
	const int map = seals & SEAL_MAP ? EPERM : 0;

	return pages_all_have(at, seals, PAGES) && try_discard(at) == discard &&
	       try_protect(at) == prot && try_unmap(at) == map;
}

static int reap(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return status;
}

TEST_F(mseal, fork_keeps)
{
	const unsigned long flags = variant->flags;
	char *at = map_pages(PAGES);
	pid_t pid;

	ASSERT_NE(NULL, at);
	ASSERT_EQ(0, mprotect(at, PAGES * page_size, PROT_READ));
	ASSERT_EQ(0, sys_mseal(at, PAGES * page_size, flags));

	pid = fork();
	if (!pid) {
		pid_t grandchild = fork();

		if (!grandchild)
			_exit(!seals_work(at, flags));
		_exit(reap(grandchild) || !seals_work(at, flags));
	}
	EXPECT_EQ(0, reap(pid))
		TH_LOG("%s", flags_name(flags));

	/* A seal that a child adds is not the parent's. */
	pid = fork();
	if (!pid)
		_exit(sys_mseal(at, PAGES * page_size, MSEAL_ALL) ||
		      !pages_all_have(at, seals_of(MSEAL_ALL), PAGES));
	EXPECT_EQ(0, reap(pid));
	EXPECT_TRUE(pages_all_have(at, seals_of(flags), PAGES));
}

/* All or nothing holds in a child that has set no seal itself, too. */
TEST(fork_keeps_ranges_whole)
{
	char *at = map_pages(PAGES);
	pid_t pid;

	ASSERT_NE(NULL, at);
	ASSERT_EQ(0, sys_mseal(at + 4 * page_size, page_size, MSEAL_PROT));
	pid = fork();
	if (!pid) {
		struct vma before[PAGES], after[PAGES];
		char *end = at + PAGES * page_size;
		int nr = read_vmas(at, end, before, PAGES);

		_exit(!mprotect(at, PAGES * page_size, PROT_READ) ||
		      errno != EPERM ||
		      read_vmas(at, end, after, PAGES) != nr ||
		      memcmp(before, after, nr * sizeof(before[0])));
	}
	EXPECT_EQ(0, reap(pid));
}

#define AFTER_EXEC	"--after-exec"

/* What exec_drops executes: is any seal of the old program left? */
static int after_exec(void)
{
	char *line, *next, *at;
	bool of_kernel = false;

	for (line = read_proc("/proc/self/smaps"); *line; line = next) {
		next = strchrnul(line, '\n');
		if (*next)
			*next++ = '\0';
		/* The kernel may have sealed [vdso] and its like. */
		if (line[0] < 'A' || line[0] > 'Z')
			of_kernel = strchr(line, '[') && !strstr(line, "[heap]") &&
				    !strstr(line, "[stack]");
		else if (!strncmp(line, "VmFlags:", 8) && !of_kernel &&
			 (strstr(line, " lm ") || strstr(line, " lp ") ||
			  strstr(line, " ld ") || strstr(line, " sl ")))
			return 1;
	}

	/* The data and stack of the old program refused this. */
	at = (char *)((unsigned long)&page_size & ~(page_size - 1));
	if (mprotect(at, page_size, PROT_READ | PROT_WRITE))
		return 2;
	at = (char *)((unsigned long)&at & ~(page_size - 1));
	if (mprotect(at, page_size, PROT_READ | PROT_WRITE))
		return 3;
	at = map_pages(PAGES);
	return at && !munmap(at, PAGES * page_size) ? 0 : 4;
}

TEST_F(mseal, exec_drops)
{
	char *data = (char *)((unsigned long)&page_size & ~(page_size - 1));
	const unsigned long flags = variant->flags;
	const bool prot = seals_of(flags) & SEAL_PROT;
	pid_t pid;

	pid = fork();
	if (!pid) {
		static struct vma vmas[256];
		int nr;

		/* Program, heap and stack; the kernel's mappings may fail. */
		nr = read_vmas(NULL, (char *)-1UL, vmas, ARRAY_SIZE(vmas));
		for (int i = 0; i < nr && i < (int)ARRAY_SIZE(vmas); i++)
			sys_mseal((void *)vmas[i].start,
				  vmas[i].end - vmas[i].start, flags);
		if (mprotect(data, page_size, PROT_READ | PROT_WRITE) != (prot ? -1 : 0))
			_exit(10);
		execl("/proc/self/exe", "mseal_attr_test", AFTER_EXEC, (char *)NULL);
		_exit(11);
	}
	EXPECT_EQ(0, reap(pid));
}

/* The heap does not shrink past an unsealed part into a sealed one. */
TEST(brk_all_or_nothing)
{
	const struct backing heap = { "heap", BRK, RW };
	struct vma before[4], after[4];
	unsigned long brk;
	struct area a;
	int nr;

	ASSERT_TRUE(make_area(&a, &heap, 6));
	ASSERT_EQ(0, sys_mseal(a.base, 2 * page_size, MSEAL_MAP));
	brk = syscall(SYS_brk, 0);
	nr = read_vmas(a.base, a.base + a.len, before, 4);

	/* brk(2) returns the old break, glibc's brk() success. */
	EXPECT_EQ(brk, (unsigned long)syscall(SYS_brk, a.base + page_size));
	EXPECT_EQ(nr, read_vmas(a.base, a.base + a.len, after, 4));
	EXPECT_EQ(0, memcmp(before, after, nr * sizeof(before[0])));
	EXPECT_TRUE(contents_at(&a, a.base, a.len));

	/* Down to the seal, and up again: the new part is not sealed. */
	brk = (unsigned long)a.base + 2 * page_size;
	EXPECT_EQ(brk, (unsigned long)syscall(SYS_brk, brk));
	EXPECT_EQ(brk + page_size, (unsigned long)syscall(SYS_brk, brk + page_size));
	ASSERT_EQ(2, read_vmas(a.base, a.base + 3 * page_size, after, 4));
	EXPECT_STREQ("lm", after[0].codes);
	EXPECT_STREQ("", after[1].codes);
}

/*
 * A mapping with vm_ops->close() cannot be merged into another, but the border
 * between two parts of it can move. So sealing it page by page, in any order,
 * leaves as many VMAs as sealing it at once.
 */
TEST(shm_page_by_page)
{
	static const struct {
		const char *name;
		int pages[PAGES];
	} orders[] = {
		{ "upwards", { 0, 1, 2, 3, 4, 5, 6, 7 } },
		{ "downwards", { 7, 6, 5, 4, 3, 2, 1, 0 } },
	};

	if (!have_shm)
		SKIP(return, "no SysV shared memory");
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		for (unsigned long flags = 0; flags <= MSEAL_ALL; flags += MSEAL_ALL) {
			char *at = find_hole(PAGES, page_size);
			struct shmid_ds ds;
			int id;

			id = shmget(IPC_PRIVATE, PAGES * page_size, IPC_CREAT | 0600);
			ASSERT_LE(0, id);
			ASSERT_EQ(at, shmat(id, at, 0));
			shmctl(id, IPC_RMID, NULL);
			for (int j = 0; j < PAGES; j++) {
				ASSERT_EQ(0, sys_mseal(at + orders[i].pages[j] * page_size,
						       page_size, flags));
				/* The sealed part and what is left: no others. */
				EXPECT_GE(2, read_vmas(at, at + PAGES * page_size,
						       NULL, 0))
					TH_LOG("%s, %s, %d pages", orders[i].name,
					       flags_name(flags), j + 1);
			}
			ASSERT_EQ(0, shmctl(id, IPC_STAT, &ds));
			EXPECT_GE(2, (int)ds.shm_nattch);
		}
	}
}

/* A segment is in two VMAs, and one of them is sealed. */
TEST(shmdt_says_so)
{
	const struct backing segment = { "segment", SHM, RW };
	struct vma before[4], after[4];
	struct area a;
	int nr;

	if (!have_shm)
		SKIP(return, "no SysV shared memory");
	for (int first = 0; first < 4; first += 2) {
		ASSERT_TRUE(make_area(&a, &segment, 4));
		ASSERT_EQ(0, sys_mseal(a.base + first * page_size, 2 * page_size,
				       MSEAL_MAP));
		nr = read_vmas(a.base, a.base + a.len, before, 4);
		EXPECT_EQ(-1, shmdt(a.base));
		EXPECT_EQ(EPERM, errno);
		EXPECT_EQ(nr, read_vmas(a.base, a.base + a.len, after, 4));
		EXPECT_EQ(0, memcmp(before, after, nr * sizeof(before[0])));
	}
}

/*
 * A sealed mapping lies between two fragments of a segment: anonymous memory, or the
 * same page of another segment. It does not belong to what shmdt() detaches.
 */
TEST(shmdt_of_fragments)
{
	const struct backing segment = { "segment", SHM, RW };
	struct vma vma;
	struct area a, other;

	if (!have_shm)
		SKIP(return, "no SysV shared memory");
	for (int foreign = 0; foreign < 2; foreign++) {
		char *middle;

		ASSERT_TRUE(make_area(&a, &segment, 3));
		ASSERT_TRUE(make_area(&other, &segment, 3));
		middle = a.base + page_size;
		ASSERT_EQ(0, munmap(middle, page_size));
		if (foreign) {
			ASSERT_EQ(middle, mremap(other.base + page_size, page_size, page_size,
						 MREMAP_MAYMOVE | MREMAP_FIXED, middle));
		} else {
			ASSERT_EQ(middle, mmap(middle, page_size, PROT_READ,
					       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
		}
		ASSERT_EQ(0, sys_mseal(middle, page_size, MSEAL_MAP));

		EXPECT_EQ(0, shmdt(a.base)) {
			TH_LOG("%s between the fragments: %s",
			       foreign ? "another segment" : "anonymous memory", strerror(errno));
		}
		EXPECT_EQ(0, read_vmas(a.base, middle, &vma, 1));
		EXPECT_EQ(1, read_vmas(middle, middle + page_size, &vma, 1));
		EXPECT_EQ(0, read_vmas(middle + page_size, a.base + a.len, &vma, 1));
	}
}

/* A gap between the sources of mremap() leaves its part of the target alone. */
TEST(mremap_gap)
{
	char *from = map_pages(5), *to = map_pages(5);
	struct vma vma;

	ASSERT_NE(NULL, from);
	ASSERT_NE(NULL, to);
	ASSERT_EQ(0, munmap(from + 2 * page_size, page_size));
	ASSERT_EQ(0, sys_mseal(to + 2 * page_size, page_size, MSEAL_MAP));
	fill(from, 2, page_size, ELSEWHERE);

	EXPECT_EQ(to, mremap(from, 5 * page_size, 5 * page_size,
			     MREMAP_MAYMOVE | MREMAP_FIXED, to));
	EXPECT_TRUE(has_word(to, content(ELSEWHERE, 0)));
	EXPECT_TRUE(has_word(to + 2 * page_size, content(IN_MEMORY, 2)));
	EXPECT_EQ(1, read_vmas(to + 2 * page_size, to + 3 * page_size, &vma, 1));
	EXPECT_STREQ("lm", vma.codes);
	EXPECT_EQ(0, read_vmas(from, from + 5 * page_size, &vma, 1));
}

/* The same with a sealed target for the last source: no source is moved. */
TEST(mremap_gap_all_or_nothing)
{
	char *from = map_pages(5), *to = map_pages(5);
	struct vma before[8], after[8];
	int nr;

	ASSERT_NE(NULL, from);
	ASSERT_NE(NULL, to);
	ASSERT_EQ(0, munmap(from + 2 * page_size, page_size));
	ASSERT_EQ(0, sys_mseal(to + 4 * page_size, page_size, MSEAL_MAP));
	nr = read_vmas(from, from + 5 * page_size, before, 4);
	nr += read_vmas(to, to + 5 * page_size, before + nr, 4);
	fill(from, 2, page_size, ELSEWHERE);

	EXPECT_EQ(MAP_FAILED, mremap(from, 5 * page_size, 5 * page_size,
				     MREMAP_MAYMOVE | MREMAP_FIXED, to));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(2, read_vmas(from, from + 5 * page_size, after, 4));
	EXPECT_EQ(2, read_vmas(to, to + 5 * page_size, after + 2, 4));
	EXPECT_EQ(4, nr);
	EXPECT_EQ(0, memcmp(before, after, nr * sizeof(before[0])));
	EXPECT_TRUE(has_word(to, content(IN_MEMORY, 0)));
	EXPECT_TRUE(has_word(from, content(ELSEWHERE, 0)));
}

/* madvise() goes on after a gap, but is refused before it changes anything. */
TEST(madvise_gap)
{
	char *at = map_pages(5);

	ASSERT_NE(NULL, at);
	ASSERT_EQ(0, munmap(at + 2 * page_size, page_size));
	ASSERT_EQ(0, mprotect(at + 3 * page_size, 2 * page_size, PROT_READ));
	ASSERT_EQ(0, sys_mseal(at + 4 * page_size, page_size, MSEAL_DISCARD));

	EXPECT_EQ(-1, madvise(at, 5 * page_size, MADV_DONTNEED));
	EXPECT_EQ(EPERM, errno);
	for (size_t i = 0; i < 5; i++)
		EXPECT_TRUE(i == 2 || has_word(at + i * page_size,
					       content(IN_MEMORY, i)));

	EXPECT_EQ(-1, madvise(at, 4 * page_size, MADV_DONTNEED));
	EXPECT_EQ(ENOMEM, errno);
	EXPECT_TRUE(has_word(at, 0));
	EXPECT_TRUE(has_word(at + 3 * page_size, 0));
}

/*
 * mprotect() changes what is before a gap, as it does without seals, and never
 * reaches what is sealed after the gap. A seal before the gap refuses it all.
 */
TEST(mprotect_gap)
{
	static const struct {
		const char *name;
		bool by_key;
	} calls[] = { { "mprotect", false }, { "pkey_mprotect", true } };
	const size_t len = 5 * page_size;

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		for (int sealed = 1; sealed < 4; sealed += 2) {
			const bool refused = sealed < 2;
			struct vma before[4], after[4];
			char *at = map_pages(5);
			int nr, err;

			if (calls[i].by_key && !have_key_calls)
				continue;
			ASSERT_NE(NULL, at);
			ASSERT_EQ(0, munmap(at + 2 * page_size, page_size));
			ASSERT_EQ(0, sys_mseal(at + sealed * page_size, page_size,
					       MSEAL_PROT));
			nr = read_vmas(at, at + len, before, 4);
			err = (calls[i].by_key ?
			       syscall(SYS_pkey_mprotect, at, len, PROT_READ, -1) :
			       mprotect(at, len, PROT_READ)) ? errno : 0;
			EXPECT_EQ(refused ? EPERM : ENOMEM, err)
				TH_LOG("%s, page %d sealed", calls[i].name, sealed);

			ASSERT_EQ(nr, read_vmas(at, at + len, after, 4));
			EXPECT_STREQ(refused ? "rw-p" : "r--p", after[0].perms)
				TH_LOG("%s, page %d sealed", calls[i].name, sealed);
			for (int j = refused ? 0 : 1; j < nr; j++)
				EXPECT_EQ(0, memcmp(&before[j], &after[j],
						    sizeof(before[j])));
		}
	}
}

static bool no_uffd(int uffd)
{
	return uffd == -ENOSYS;
}

/*
 * mremap() does not move a mapping with a userfaultfd together with others. It
 * fails there before it reaches what is sealed: EFAULT, as without seals.
 */
TEST(mremap_stops_before_seal)
{
	const int uffd = uffd_open(UFFD_USER_MODE_ONLY, 0);
	const size_t len = 3 * page_size;

	if (no_uffd(uffd))
		SKIP(return, "the kernel has no userfaultfd");
	ASSERT_LE(0, uffd);
	/* The watched mapping is the first, and then has one before it. */
	for (int watched = 0; watched < 2; watched++) {
		char *from = map_pages(3), *to = map_pages(3);
		struct vma vma;

		ASSERT_NE(NULL, from);
		ASSERT_NE(NULL, to);
		ASSERT_EQ(0, uffd_register_mode(uffd, from + watched * page_size, page_size,
						UFFDIO_REGISTER_MODE_MISSING));
		ASSERT_EQ(0, sys_mseal(from + 2 * page_size, page_size, 0));
		fill(from, 1, page_size, ELSEWHERE);

		EXPECT_EQ(MAP_FAILED, mremap(from, len, len,
					     MREMAP_MAYMOVE | MREMAP_FIXED, to));
		EXPECT_EQ(EFAULT, errno);
		/* What could be moved before that has been moved. */
		EXPECT_EQ(!watched, read_vmas(from, from + 1, &vma, 1));
		EXPECT_TRUE(has_word(to, watched ? content(ELSEWHERE, 0) :
						   content(IN_MEMORY, 0)));
		EXPECT_TRUE(has_word(to + page_size, content(IN_MEMORY, 1)));
		ASSERT_EQ(1, read_vmas(from + 2 * page_size, from + len, &vma, 1));
		EXPECT_STREQ("lm lp sl", vma.codes);
		EXPECT_TRUE(has_word(from + 2 * page_size, content(IN_MEMORY, 2)));
	}
	close(uffd);
}

/*
 * What drivers do with memory of their users: it must be in no child while a
 * device writes to it, and is in every child again afterwards. Sealing it in
 * between changes nothing for a process that can write to it.
 */
TEST_F(mseal, buffer_for_a_device)
{
	const unsigned long flags = variant->flags;
	const size_t len = PAGES * page_size;
	struct vma vma;
	char *at = map_pages(PAGES), *buffer = at + 2 * page_size;
	pid_t pid;

	ASSERT_NE(NULL, at);
	EXPECT_EQ(0, madvise(buffer, 2 * page_size, MADV_DONTFORK));
	ASSERT_EQ(0, sys_mseal(at, len, flags));
	EXPECT_EQ(0, madvise(buffer, 2 * page_size, MADV_DOFORK));
	EXPECT_TRUE(pages_all_have(at, seals_of(flags), PAGES));
	pid = fork();
	if (!pid) {
		for (int i = 0; i < PAGES; i++) {
			if (!has_word(at + i * page_size, content(IN_MEMORY, i)))
				_exit(1);
		}
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid))
		TH_LOG("%s: a child does not have all of it", flags_name(flags));

	/* And once more, now that it is sealed. */
	EXPECT_EQ(0, madvise(buffer, 2 * page_size, MADV_DONTFORK));
	ASSERT_EQ(1, read_vmas(buffer, buffer + page_size, &vma, 1));
	EXPECT_TRUE(vma_has_flag(&vma, "dc"));
	EXPECT_EQ(0, madvise(buffer, 2 * page_size, MADV_DOFORK));
}

/* A mapping that moves keeps its seals. */
TEST_F(mseal, mremap_keeps)
{
	const unsigned long flags = variant->flags;
	char *at = map_pages(PAGES), *to = map_pages(PAGES);

	if (!flags || flags & MSEAL_MAP)
		SKIP(return, "this seal keeps it from moving");
	ASSERT_NE(NULL, at);
	ASSERT_NE(NULL, to);
	ASSERT_EQ(0, sys_mseal(at, PAGES * page_size, flags));
	ASSERT_EQ(to, mremap(at, PAGES * page_size, PAGES * page_size,
			     MREMAP_MAYMOVE | MREMAP_FIXED, to));
	EXPECT_TRUE(pages_all_have(to, seals_of(flags), PAGES));
	EXPECT_EQ(flags & MSEAL_PROT ? EPERM : 0, try_protect(to));
}

/* No store can write to a shadow stack, although its VMA is writable. */
TEST_F(mseal, shadow_stack_is_not_writable)
{
	static const struct {
		const char *name;
		int advice;
		unsigned int seals;	/* that refuse it */
	} ops[] = {
		{ "MADV_DONTNEED", MADV_DONTNEED, SEAL_DISCARD },
		{ "MADV_FREE", MADV_FREE, SEAL_DISCARD },
		{ "MADV_DONTNEED_LOCKED", MADV_DONTNEED_LOCKED, SEAL_DISCARD },
		{ "MADV_DONTFORK", MADV_DONTFORK, SEAL_MAP },
		{ "MADV_DOFORK", MADV_DOFORK, 0 },
	};
	const unsigned long flags = variant->flags;
	const size_t len = 4 * page_size;
	long at;

	at = syscall(__NR_map_shadow_stack, 0, len, 0);
	if (at == -1)
		SKIP(return, "no shadow stacks");
	ASSERT_EQ(0, sys_mseal((void *)at, len, flags));
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		const int err = madvise((void *)at, len, ops[i].advice) ? errno : 0;

		EXPECT_EQ(seals_of(flags) & ops[i].seals ? EPERM : 0, err)
			TH_LOG("%s, %s", ops[i].name, flags_name(flags));
	}
}

/* A socket empties and refills a mapping of itself, which is never writable. */
TEST_F(mseal, zerocopy)
{
	const unsigned long flags = variant->flags;
	const bool refused = flags & MSEAL_DISCARD;
	char *from = map_pages(2), *at;
	int out, in, err;

	ASSERT_NE(NULL, from);
	err = tcp_pair(&out, &in);
	if (tcp_missing(err))
		SKIP(return, "%s", tcp_missing(err));
	ASSERT_EQ(0, err);
	at = mmap(NULL, page_size, PROT_READ, MAP_SHARED, in, 0);
	if (at == MAP_FAILED && errno == ENODEV)
		SKIP(return, "sockets cannot be mapped here");
	ASSERT_NE(MAP_FAILED, at);

	ASSERT_EQ(0, tcp_send_page(out, in, from, page_size));
	ASSERT_EQ(0, tcp_receive_page(in, at, page_size));
	EXPECT_TRUE(has_word(at, content(IN_MEMORY, 0)));
	ASSERT_EQ(0, sys_mseal(at, page_size, flags));
	ASSERT_EQ(0, tcp_send_page(out, in, from + page_size, page_size));
	EXPECT_EQ(refused ? EPERM : 0, told("TCP_ZEROCOPY_RECEIVE", at, page_size,
					    refused ? EPERM : 0));
	EXPECT_EQ(refused ? EPERM : 0, tcp_receive_page(in, at, page_size))
		TH_LOG("%s", flags_name(flags));
	EXPECT_TRUE(has_word(at, content(IN_MEMORY, !refused)));
	close(out);
	close(in);
}

/*
 * UFFDIO_MOVE empties its source and fills its destination: either can refuse it. Both
 * have to be writable, so only a protection key makes a difference.
 */
static void try_uffd_move(struct __test_metadata *_metadata, unsigned long flags,
			  bool seal_destination, bool key_denied)
{
	const int want = key_denied && flags & MSEAL_DISCARD ? EPERM : 0;
	const int uffd = uffd_open(UFFD_USER_MODE_ONLY, UFFD_FEATURE_MOVE);
	char *from = map_pages(1), *to = map_pages(1);
	char *sealed = seal_destination ? to : from;
	int key;

	if (no_uffd(uffd) || uffd == -EOPNOTSUPP)
		SKIP(return, "no UFFDIO_MOVE");
	ASSERT_LE(0, uffd);
	ASSERT_NE(NULL, from);
	ASSERT_NE(NULL, to);
	fill(from, 1, page_size, ELSEWHERE);
	ASSERT_EQ(0, madvise(to, page_size, MADV_DONTNEED));
	if (key_denied) {
		key = syscall(SYS_pkey_alloc, 0, 2 /* PKEY_DISABLE_WRITE */);
		ASSERT_LE(0, key);
		ASSERT_EQ(0, syscall(SYS_pkey_mprotect, from, page_size,
				     PROT_READ | PROT_WRITE, key));
		ASSERT_EQ(0, syscall(SYS_pkey_mprotect, to, page_size,
				     PROT_READ | PROT_WRITE, key));
	}
	ASSERT_EQ(0, uffd_register_mode(uffd, to, page_size, UFFDIO_REGISTER_MODE_MISSING));
	ASSERT_EQ(0, sys_mseal(sealed, page_size, flags));

	EXPECT_EQ(want, told(seal_destination ? "UFFDIO_MOVE-onto" : "UFFDIO_MOVE", sealed,
			     page_size, want));
	EXPECT_EQ(want, uffd_move(uffd, to, from, page_size))
		TH_LOG("%s sealed with %s%s", seal_destination ? "destination" : "source",
		       flags_name(flags), key_denied ? ", no write by key" : "");
	EXPECT_TRUE(has_word(want ? from : to, content(ELSEWHERE, 0)));
	close(uffd);
}

TEST_F(mseal, uffd_move)
{
	for (int i = 0; i < (have_keys ? 4 : 2); i++)
		try_uffd_move(_metadata, variant->flags, i & 1, i & 2);
}

/*
 * Protection by userfaultfd
 *
 * No seal refuses it, because it does not change what a mapping permits: it never
 * grants access, it keeps the contents, and it ends with its descriptor.
 */

#define TRACKED		(PAGES - 2)	/* pages with contents, before two holes */

struct protection {
	const char *name;
	const char *code;		/* in VmFlags, once it is registered */
	uint64_t mode, features;
	int (*set)(int uffd, const void *at, size_t len, bool protect);
	bool no_reads;			/* from a protected page */
	bool no_stores;
};

/* With UFFD_FEATURE_SIGBUS an access fails instead of waiting for an answer. */
static const struct protection write_protection = {
	"UFFDIO_WRITEPROTECT", "uw", UFFDIO_REGISTER_MODE_WP,
	UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_SIGBUS,
	uffd_writeprotect, .no_stores = true,
};

static const struct protection rw_protection = {
	"UFFDIO_RWPROTECT", "ur", UFFDIO_REGISTER_MODE_RWP,
	UFFD_FEATURE_RWP | UFFD_FEATURE_SIGBUS,
	uffd_rwprotect, .no_reads = true, .no_stores = true,
};

/* The kernel resolves a page itself when it is accessed. */
static const struct protection async_rw_protection = {
	"asynchronous UFFDIO_RWPROTECT", "ur", UFFDIO_REGISTER_MODE_RWP,
	UFFD_FEATURE_RWP | UFFD_FEATURE_RWP_ASYNC,
	uffd_rwprotect,
};

static const struct tracked {
	const char *name;
	int prot, flags;
	const char *perms;
} tracked[] = {
	{ "read-only anonymous", PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, "r--p" },
	{ "writable anonymous", PROT_READ | PROT_WRITE,
	  MAP_PRIVATE | MAP_ANONYMOUS, "rw-p" },
	{ "read-only shared memfd", PROT_READ, MAP_SHARED, "r--s" },
	{ "writable shared memfd", PROT_READ | PROT_WRITE, MAP_SHARED, "rw-s" },
	{ "read-only private memfd", PROT_READ, MAP_PRIVATE, "r--p" },
};

static char *map_tracked(const struct tracked *t)
{
	const size_t len = PAGES * page_size;
	char *at = find_hole(3 * PAGES, page_size);
	int fd = -1;

	if (!at)
		return NULL;
	if (!(t->flags & MAP_ANONYMOUS)) {
		fd = memfd_create("mseal", MFD_CLOEXEC);
		if (fd < 0 || ftruncate(fd, len))
			return NULL;
	}
	at = map_at(at + PAGES * page_size, len, t->flags, fd);
	if (fd >= 0)
		close(fd);
	if (!at)
		return NULL;
	fill(at, TRACKED, page_size, IN_MEMORY);
	return mprotect(at, len, t->prot) ? NULL : at;
}

/*
 * Store a word by a read(2), so that a store that is not possible is no signal.
 * Unlike process_vm_writev(2) this depends on the page table.
 */
static int store(char *at, uint64_t word)
{
	int fds[2], err = 0;

	if (pipe2(fds, O_CLOEXEC))
		return errno;
	if (write(fds[1], &word, sizeof(word)) != sizeof(word) ||
	    read(fds[0], at, sizeof(word)) != sizeof(word))
		err = errno;
	close(fds[0]);
	close(fds[1]);
	return err;
}

enum tracking { UNTRACKED, REGISTERED, PROTECTED };

/* Returns what is not as it has to be, or NULL. */
static const char *look_at_tracked(const struct tracked *t, char *at,
				   const struct protection *p, unsigned int seals,
				   enum tracking tracking)
{
	const bool no_reads = tracking == PROTECTED && p->no_reads;
	const bool no_stores = tracking == PROTECTED && p->no_stores;
	const bool registered = tracking != UNTRACKED;
	struct vma vma;

	if (!pages_all_have(at, seals, PAGES))
		return "other seals than expected";
	if (read_vmas(at, at + PAGES * page_size, &vma, 1) != 1)
		return "not one mapping";
	if (vma_has_flag(&vma, p->code) != registered)
		return "VmFlags do not show what is registered";
	if (strcmp(vma.perms, t->perms))
		return "the protection has changed";

	for (size_t i = 0; i < TRACKED; i++) {
		const uint64_t word = content(IN_MEMORY, i);
		char *page = at + i * page_size;
		const int err = store(page, word);

		if (no_reads && peek(page).err != EFAULT)
			return "a protected page can be read";
		if (!no_reads && !has_word(page, word))
			return "the contents are not there";
		if (!(t->prot & PROT_WRITE) && err != EFAULT)
			return "a store to a read-only page does not fail";
		if (no_stores && err != EFAULT)
			return "a store to a protected page does not fail";
		if (t->prot & PROT_WRITE && !no_stores && err)
			return "a store to a writable page fails";
	}
	return NULL;
}

#define TRACKED_LEN	(TRACKED * page_size)

/* Returns what is wrong with protecting a mapping that is or will be sealed. */
static const char *try_protection(const struct tracked *t, const struct protection *p,
				  int uffd, unsigned long flags, bool seal_first)
{
	const size_t len = PAGES * page_size;
	const unsigned int seals = seals_of(flags);
	char *at = map_tracked(t);
	const char *wrong;

	if (!at)
		return "cannot make the mapping";
	if (seal_first && sys_mseal(at, len, flags))
		return "mseal fails";
	if (uffd_register_mode(uffd, at, len, p->mode))
		return "registering fails";
	wrong = look_at_tracked(t, at, p, seal_first ? seals : 0, REGISTERED);
	if (wrong)
		return wrong;
	if (p->set(uffd, at, TRACKED_LEN, true))
		return "protecting fails";
	if (!seal_first && sys_mseal(at, len, flags))
		return "mseal fails";
	wrong = look_at_tracked(t, at, p, seals, PROTECTED);
	if (wrong)
		return wrong;
	if (p->set(uffd, at, TRACKED_LEN, false))
		return "resolving fails";
	wrong = look_at_tracked(t, at, p, seals, REGISTERED);
	if (wrong)
		return wrong;

	/* Once more; this time closing the descriptor resolves it. */
	if (p->set(uffd, at, TRACKED_LEN, true))
		return "protecting again fails";
	wrong = look_at_tracked(t, at, p, seals, PROTECTED);
	if (wrong)
		return wrong;
	close(uffd);
	return look_at_tracked(t, at, p, seals, UNTRACKED);
}

FIXTURE(uffd) { };
FIXTURE_TEARDOWN(uffd) { }
FIXTURE_VARIANT(uffd) {
	const struct protection *p;
	unsigned long flags;
};

#define PROTECTION(variant, protection)					\
	UFFD_VARIANT(variant##_flags_0, protection, 0);			\
	UFFD_VARIANT(variant##_map, protection, MSEAL_MAP);		\
	UFFD_VARIANT(variant##_prot, protection, MSEAL_PROT);		\
	UFFD_VARIANT(variant##_discard, protection, MSEAL_DISCARD);	\
	UFFD_VARIANT(variant##_all, protection, MSEAL_ALL)

#define UFFD_VARIANT(variant, protection, flags)			\
	FIXTURE_VARIANT_ADD(uffd, variant) { &(protection), flags }

PROTECTION(wp, write_protection);
PROTECTION(rwp, rw_protection);
PROTECTION(async_rwp, async_rw_protection);

static int open_uffd(const struct protection *p)
{
	return uffd_open(UFFD_USER_MODE_ONLY, p->features);
}

FIXTURE_SETUP(uffd)
{
	const int uffd = open_uffd(variant->p);

	if (kernel_without_flags && variant->flags)
		SKIP(return, "mseal() of this kernel knows no flags");
	if (no_uffd(uffd))
		SKIP(return, "the kernel has no userfaultfd");
	if (uffd == -EOPNOTSUPP)
		SKIP(return, "this kernel's userfaultfd has no %s", variant->p->name);
	ASSERT_LE(0, uffd);
	close(uffd);
}

static void run_protection(struct __test_metadata *_metadata,
			   const struct protection *p, unsigned long flags,
			   bool seal_first)
{
	for (size_t i = 0; i < ARRAY_SIZE(tracked); i++) {
		const char *wrong = try_protection(&tracked[i], p, open_uffd(p), flags,
						   seal_first);

		EXPECT_EQ(NULL, wrong)
			TH_LOG("%s, %s: %s", flags_name(flags), tracked[i].name, wrong);
	}
}

TEST_F(uffd, protects_what_is_sealed)
{
	run_protection(_metadata, variant->p, variant->flags, true);
}

TEST_F(uffd, resolves_what_was_sealed_later)
{
	run_protection(_metadata, variant->p, variant->flags, false);
}

/* Is a page in memory? Looking does not bring it there. */
static bool is_resident(char *at)
{
	unsigned char resident;

	return !mincore(at, page_size, &resident) && resident & 1;
}

/* Holes that are monitored for protection only are still sealed. */
TEST_F(uffd, fills)
{
	const unsigned long flags = variant->flags;
	const uint64_t mode = variant->p->mode;
	char *source = map_pages(1);

	ASSERT_NE(NULL, source);
	fill(source, 1, page_size, ELSEWHERE);
	for (size_t i = 0; i < ARRAY_SIZE(tracked); i++) {
		const struct tracked *t = &tracked[i];
		const bool refused = flags & MSEAL_DISCARD && !(t->prot & PROT_WRITE);
		const int want = refused ? EPERM : 0;
		const int uffd = open_uffd(variant->p);
		char *at = map_tracked(t), *holes = at + TRACKED_LEN;
		struct vma vma;

		ASSERT_LE(0, uffd);
		ASSERT_NE(NULL, at);
		ASSERT_EQ(0, uffd_register_mode(uffd, at, PAGES * page_size, mode));
		ASSERT_EQ(0, sys_mseal(at, PAGES * page_size, flags));
		ASSERT_FALSE(is_resident(holes) || is_resident(holes + page_size));

		EXPECT_EQ(want, told("UFFDIO_COPY", holes, page_size, want));
		EXPECT_EQ(want, uffd_copy(uffd, holes, source, page_size))
			TH_LOG("UFFDIO_COPY: %s, %s", flags_name(flags), t->name);
		EXPECT_EQ(!refused, is_resident(holes));
		EXPECT_EQ(want, uffd_zeropage(uffd, holes + page_size, page_size))
			TH_LOG("UFFDIO_ZEROPAGE: %s, %s", flags_name(flags), t->name);
		EXPECT_EQ(!refused, is_resident(holes + page_size));
		EXPECT_TRUE(has_word(holes, refused ? 0 : content(ELSEWHERE, 0)));

		/* A mode that fills is refused also beside one that does not. */
		EXPECT_EQ(want, told("UFFDIO_REGISTER", at, PAGES * page_size, want));
		EXPECT_EQ(want, uffd_register_mode(uffd, at, PAGES * page_size,
						   mode | UFFDIO_REGISTER_MODE_MISSING))
			TH_LOG("UFFDIO_REGISTER: %s, %s", flags_name(flags), t->name);
		ASSERT_EQ(1, read_vmas(at, at + PAGES * page_size, &vma, 1));
		EXPECT_TRUE(vma_has_flag(&vma, variant->p->code));
		EXPECT_EQ(!refused, vma_has_flag(&vma, "um"));
		close(uffd);
	}
}

static int try_move(char *at)
{
	return mremap(at, page_size, page_size, MREMAP_MAYMOVE | MREMAP_FIXED,
		      find_hole(1, page_size)) == MAP_FAILED ? errno : 0;
}

/* What seals refuse, they refuse on protected pages. */
TEST_F(uffd, other_operations)
{
	static const struct {
		const char *name;
		int (*run)(char *at);
		unsigned int always;
		unsigned int unless_writable;
	} ops[] = {
		{ "munmap", try_unmap, SEAL_MAP },
		{ "mremap", try_move, SEAL_MAP },
		{ "mprotect", try_protect, SEAL_PROT },
		{ "MADV_DONTNEED", try_discard, 0, SEAL_DISCARD },
	};
	const size_t len = PAGES * page_size;
	const unsigned int seals = seals_of(variant->flags);
	const struct protection *p = variant->p;

	for (size_t i = 0; i < ARRAY_SIZE(tracked) * ARRAY_SIZE(ops); i++) {
		const struct tracked *t = &tracked[i / ARRAY_SIZE(ops)];
		const int nr = i % ARRAY_SIZE(ops);
		const bool anon = t->flags & MAP_ANONYMOUS;
		const unsigned int unless_writable = ops[nr].unless_writable |
			(ops[nr].unless_writable && anon ? SEAL_DISCARD_WEAK : 0);
		const bool refused = seals & ops[nr].always ||
			(seals & unless_writable && !(t->prot & PROT_WRITE));
		const int uffd = open_uffd(p);
		char *at = map_tracked(t);
		const char *wrong;

		ASSERT_LE(0, uffd);
		ASSERT_NE(NULL, at);
		ASSERT_EQ(0, uffd_register_mode(uffd, at, len, p->mode));
		ASSERT_EQ(0, p->set(uffd, at, TRACKED_LEN, true));
		ASSERT_EQ(0, sys_mseal(at, len, variant->flags));
		EXPECT_EQ(refused ? EPERM : 0, ops[nr].run(at))
			TH_LOG("%s: %s, %s", ops[nr].name, flags_name(variant->flags),
			       t->name);
		if (refused) {
			wrong = look_at_tracked(t, at, p, seals, PROTECTED);
			EXPECT_EQ(NULL, wrong)
				TH_LOG("%s: %s, %s: %s", ops[nr].name,
				       flags_name(variant->flags), t->name, wrong);
			EXPECT_EQ(0, p->set(uffd, at, TRACKED_LEN, false));
			wrong = look_at_tracked(t, at, p, seals, REGISTERED);
			EXPECT_EQ(NULL, wrong)
				TH_LOG("%s: %s, %s, resolved: %s", ops[nr].name,
				       flags_name(variant->flags), t->name, wrong);
		}
		close(uffd);
	}
}

/* vm.max_map_count */

#define MAX_MAP_COUNT	"/proc/sys/vm/max_map_count"

static long read_max_map_count(void)
{
	char buf[32] = "";
	ssize_t n = -1;
	int fd;

	fd = open(MAX_MAP_COUNT, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, buf, sizeof(buf) - 1);
		close(fd);
	}
	return n > 0 ? atol(buf) : -1;
}

static bool write_max_map_count(long max)
{
	bool ok = false;
	int fd;

	fd = open(MAX_MAP_COUNT, O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		ok = dprintf(fd, "%ld", max) > 0;
		close(fd);
	}
	return ok;
}

FIXTURE(map_count) {
	long max;
};

FIXTURE_SETUP(map_count)
{
	self->max = read_max_map_count();
	ASSERT_LT(0, self->max);
}

/* By the parent, so that the limit is restored however the test ends. */
FIXTURE_TEARDOWN_PARENT(map_count)
{
	if (self->max > 0)
		write_max_map_count(self->max);
}

/*
 * Start with no room for a mapping and make room for one more at a time, until
 * mseal() succeeds. It fails before the first of two splits, then between them.
 */
TEST_F(map_count, seal_nothing_on_failure)
{
	static const struct {
		int from, to;	/* of 6 pages, of which 2 and 3 are sealed before */
		int splits;
	} ranges[] = {
		{ 0, 6, 0 }, { 0, 1, 1 }, { 5, 6, 1 }, { 0, 2, 0 }, { 1, 5, 2 },
		{ 4, 5, 1 }, { 1, 2, 1 }, { 2, 3, 1 }, { 1, 3, 2 },
	};
	static const int fill_to = 200;
	int failed = 0, between = 0;

	if (!write_max_map_count(read_vmas(NULL, (char *)-1UL, NULL, 0) + fill_to / 2))
		SKIP(return, "cannot lower vm.max_map_count: %s", strerror(errno));

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		const int pages = ranges[i].to - ranges[i].from;
		unsigned int seals[6] = { 0, 0, SEAL_PROT, SEAL_PROT, 0, 0 };
		int fills = 0, err, room;
		char *at, *fillers;

		at = map_pages(6);
		ASSERT_NE(NULL, at);
		ASSERT_EQ(0, sys_mseal(at + 2 * page_size, 2 * page_size, MSEAL_PROT));

		/* The fillers do not merge: there are gaps around each. */
		fillers = find_hole(2 * fill_to + 1, page_size);
		ASSERT_NE(NULL, fillers);
		fillers += page_size;
		while (fills < fill_to &&
		       map_at(fillers + 2 * fills * page_size, page_size,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1))
			fills++;
		ASSERT_LT(8, fills);
		ASSERT_LT(fills, fill_to);

		for (room = 0; room < 8; room++) {
			err = sys_mseal(at + ranges[i].from * page_size,
					pages * page_size, MSEAL_MAP);
			if (!err)
				break;
			EXPECT_EQ(ENOMEM, err);
			EXPECT_TRUE(pages_have(at, seals, 6))
				TH_LOG("pages %d to %d, room for %d", ranges[i].from,
				       ranges[i].to, room);
			failed++;
			ASSERT_EQ(0, munmap(fillers + 2 * --fills * page_size,
					    page_size));
		}
		ASSERT_EQ(0, err);
		/* The limit was exceeded by one, then met; each split took one. */
		EXPECT_EQ(ranges[i].splits ? ranges[i].splits + 1 : 0, room)
			TH_LOG("pages %d to %d", ranges[i].from, ranges[i].to);
		between += ranges[i].splits > 1;

		for (int j = ranges[i].from; j < ranges[i].to; j++)
			seals[j] |= SEAL_MAP;
		EXPECT_TRUE(pages_have(at, seals, 6));

		while (fills)
			ASSERT_EQ(0, munmap(fillers + 2 * --fills * page_size,
					    page_size));
	}
	/* Otherwise the test did not see these failures. */
	EXPECT_LT(0, failed);
	EXPECT_LT(0, between);
}

/*
 * At the limit a mapping that is sealed in part can be sealed page by page to its
 * end: the border moves, which takes no further mapping.
 */
TEST_F(map_count, page_by_page)
{
	static const struct {
		const char *name;
		int first, step;
	} orders[] = { { "upwards", 0, 1 }, { "downwards", PAGES - 1, -1 } };

	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		for (unsigned long flags = 0; flags <= MSEAL_ALL; flags += MSEAL_ALL) {
			unsigned int seals[PAGES] = { 0 };
			char *at = map_pages(PAGES), *other = map_pages(3);
			int page = orders[i].first;
			long used;

			ASSERT_NE(NULL, at);
			ASSERT_NE(NULL, other);
			/* The gate page, if there is one, is nobody's VMA. */
			used = read_vmas(NULL, (char *)-1UL, NULL, 0) -
			       !!strstr(read_proc("/proc/self/smaps"), "[vsyscall]");
			if (!write_max_map_count(used + 1))
				SKIP(return, "cannot lower vm.max_map_count: %s",
				     strerror(errno));
			for (int j = 0; j < PAGES; j++, page += orders[i].step) {
				ASSERT_EQ(0, sys_mseal(at + page * page_size, page_size,
						       flags))
					TH_LOG("%s, %s, page %d", orders[i].name,
					       flags_name(flags), page);
				seals[page] = seals_of(flags);
				EXPECT_TRUE(pages_have(at, seals, PAGES));
				/* It is the limit until all of it is one mapping. */
				EXPECT_EQ(j < PAGES - 1 ? ENOMEM : 0,
					  try_protect(other));
			}
			ASSERT_TRUE(write_max_map_count(self->max));
		}
	}
}

/*
 * Holes that are being punched
 *
 * MADV_REMOVE of one thread is stuck in the file system, because another thread
 * writes to the file, which takes the inode's lock, and waits there for a page
 * that only the test can supply. A userfaultfd holds a fault of the kernel, so
 * this takes privilege.
 */

#define PUNCH_TIMEOUT	10	/* seconds; none of these takes one */

struct punch {
	int fd, uffd;
	char *at;		/* a shared mapping of the file */
	char *source;		/* what the writer waits for */
	pthread_t writer, remover;
	int err;		/* of MADV_REMOVE */
	pid_t tid;		/* of the thread that does it */
};

struct sealer {
	char *at;
	pthread_t thread;
	int err;
	pid_t tid;
	bool done;
	struct peeked word;	/* right after mseal() has returned */
};

static void *write_from_hole(void *arg)
{
	struct punch *p = arg;

	return (void *)(long)(pwrite(p->fd, p->source, page_size, 0) ==
			      (ssize_t)page_size);
}

static void *punch_hole(void *arg)
{
	struct punch *p = arg;

	__atomic_store_n(&p->tid, syscall(SYS_gettid), __ATOMIC_RELEASE);
	p->err = madvise(p->at + 2 * page_size, 2 * page_size, MADV_REMOVE) ? errno : 0;
	return NULL;
}

static void *seal_page(void *arg)
{
	struct sealer *s = arg;

	__atomic_store_n(&s->tid, syscall(SYS_gettid), __ATOMIC_RELEASE);
	s->err = sys_mseal(s->at, page_size, MSEAL_DISCARD);
	s->word = peek(s->at);
	__atomic_store_n(&s->done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* Does the thread sleep in the kernel, where only a signal that kills wakes it? */
static bool is_stuck(const pid_t *tid)
{
	const pid_t of = __atomic_load_n(tid, __ATOMIC_ACQUIRE);
	char path[64], text[256] = "", *state;
	ssize_t n;
	int fd;

	if (!of)
		return false;
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", of);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	state = n > 0 ? strrchr(text, ')') : NULL;
	return state && state[1] == ' ' && state[2] == 'D';
}

/*
 * Wait until the thread has been seen stuck many times in a row, or is done.
 * Returns whether it is stuck.
 */
static bool wait_until_stuck(const pid_t *tid, const bool *done)
{
	struct timespec now, end;
	int looks = 0;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += PUNCH_TIMEOUT;
	do {
		if (done && __atomic_load_n(done, __ATOMIC_ACQUIRE))
			return false;
		looks = is_stuck(tid) ? looks + 1 : 0;
		if (looks == 200)
			return true;
		sched_yield();
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec < end.tv_sec);
	return false;
}

static bool join_in_time(pthread_t thread)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += PUNCH_TIMEOUT;
	return !pthread_timedjoin_np(thread, NULL, &end);
}

FIXTURE(punch) {
	struct punch p;
	bool released;
};

FIXTURE_SETUP(punch)
{
	struct punch *p = &self->p;
	struct pollfd event = { .events = POLLIN };

	p->uffd = uffd_open(0, 0);
	if (no_uffd(p->uffd))
		SKIP(return, "the kernel has no userfaultfd");
	if (p->uffd == -EPERM)
		SKIP(return, "no permission to answer faults of the kernel");
	ASSERT_LE(0, p->uffd);
	p->fd = memfd_create("mseal", MFD_CLOEXEC);
	ASSERT_LE(0, p->fd);
	ASSERT_EQ(0, ftruncate(p->fd, PAGES * page_size));
	p->at = find_hole(PAGES, page_size);
	ASSERT_NE(NULL, p->at);
	ASSERT_NE(NULL, map_at(p->at, PAGES * page_size, MAP_SHARED, p->fd));
	fill(p->at, PAGES, page_size, IN_MEMORY);
	p->source = find_hole(1, page_size);
	ASSERT_NE(NULL, p->source);
	ASSERT_NE(NULL, map_at(p->source, page_size, MAP_PRIVATE | MAP_ANONYMOUS, -1));
	ASSERT_EQ(0, uffd_register_mode(p->uffd, p->source, page_size,
					UFFDIO_REGISTER_MODE_MISSING));

	ASSERT_EQ(0, pthread_create(&p->writer, NULL, write_from_hole, p));
	event.fd = p->uffd;
	ASSERT_EQ(1, poll(&event, 1, PUNCH_TIMEOUT * 1000));
	ASSERT_EQ(0, pthread_create(&p->remover, NULL, punch_hole, p));
	ASSERT_TRUE(wait_until_stuck(&p->tid, NULL))
		TH_LOG("MADV_REMOVE does not wait for the writer");
}

/* Let the writer go on, and with it MADV_REMOVE. */
static bool release(struct punch *p)
{
	return !uffd_zeropage(p->uffd, p->source, page_size) &&
	       join_in_time(p->writer) && join_in_time(p->remover);
}

FIXTURE_TEARDOWN(punch)
{
	if (!self->released)
		release(&self->p);
}

static bool start_sealer(struct sealer *s, char *at)
{
	*s = (struct sealer){ .at = at };
	return !pthread_create(&s->thread, NULL, seal_page, s);
}

/* mseal() waits for no hole that is elsewhere. */
TEST_F(punch, elsewhere)
{
	struct punch *p = &self->p;
	char *other = mmap(NULL, PAGES * page_size, PROT_READ,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const struct {
		const char *name;
		char *at;
	} places[] = {
		{ "anonymous memory", map_pages(1) },
		{ "the same page of another file", other + 2 * page_size },
		{ "the page before the hole", p->at + page_size },
		{ "the page after the hole", p->at + 4 * page_size },
		{ "another mapping of that page",
		  mmap(NULL, page_size, PROT_READ, MAP_SHARED, p->fd, 4 * page_size) },
	};
	struct sealer s[ARRAY_SIZE(places)];

	ASSERT_NE(MAP_FAILED, other);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		ASSERT_TRUE(places[i].at && places[i].at != MAP_FAILED);
		ASSERT_TRUE(start_sealer(&s[i], places[i].at));
		EXPECT_FALSE(wait_until_stuck(&s[i].tid, &s[i].done))
			TH_LOG("mseal() of %s waits", places[i].name);
	}
	self->released = true;
	EXPECT_TRUE(release(p));
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		ASSERT_TRUE(join_in_time(s[i].thread));
		EXPECT_EQ(0, s[i].err)
			TH_LOG("%s", places[i].name);
	}
	EXPECT_EQ(0, p->err);
}

/* Nor for one of another process, in the same pages of the same file. */
TEST_F(punch, in_another_process)
{
	struct punch *p = &self->p;
	pid_t pid;

	pid = fork();
	if (!pid) {
		/* It ends a wait, too. */
		alarm(PUNCH_TIMEOUT);
		_exit(sys_mseal(p->at + 2 * page_size, 2 * page_size, MSEAL_DISCARD));
	}
	EXPECT_EQ(0, reap(pid));
	self->released = true;
	EXPECT_TRUE(release(p));
	EXPECT_EQ(0, p->err);
}

/* It waits for one in the pages that it seals, however they are mapped. */
TEST_F(punch, in_what_is_sealed)
{
	struct punch *p = &self->p;
	char *again = mmap(NULL, page_size, PROT_READ, MAP_SHARED, p->fd,
			   3 * page_size);
	const struct {
		const char *name;
		char *at;
	} places[] = {
		{ "the first page of the hole", p->at + 2 * page_size },
		{ "the last page of the hole", p->at + 3 * page_size },
		{ "another mapping of that page", again },
	};
	struct sealer s[ARRAY_SIZE(places)];

	ASSERT_NE(MAP_FAILED, again);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		ASSERT_TRUE(start_sealer(&s[i], places[i].at));
		EXPECT_TRUE(wait_until_stuck(&s[i].tid, &s[i].done))
			TH_LOG("mseal() of %s does not wait", places[i].name);
	}
	self->released = true;
	EXPECT_TRUE(release(p));
	EXPECT_EQ(0, p->err);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		ASSERT_TRUE(join_in_time(s[i].thread));
		EXPECT_EQ(0, s[i].err);
		/* What was sealed is the hole, and stays. */
		EXPECT_TRUE(!s[i].word.err && !s[i].word.word)
			TH_LOG("%s: the hole came after the seal", places[i].name);
	}
}

/* Flags that promise nothing about contents do not wait. */
TEST_F(punch, other_flags)
{
	struct punch *p = &self->p;
	char *at = p->at + 2 * page_size;

	/* alarm() of the harness is the bound here. */
	EXPECT_EQ(0, sys_mseal(at, 2 * page_size, 0));
	EXPECT_EQ(0, sys_mseal(at, 2 * page_size, MSEAL_MAP | MSEAL_PROT));
	self->released = true;
	EXPECT_TRUE(release(p));
	EXPECT_EQ(0, p->err);
}

/* The results show what was not run. */

TEST(huge_pages_were_tried)
{
	if (!have_huge)
		SKIP(return, "fewer than 16 free huge pages");
}

TEST(protection_keys_were_tried)
{
	if (!have_keys)
		SKIP(return, "no protection keys");
}

static bool read_huge_size(void)
{
	static char buf[8192];
	char *at;
	ssize_t n;
	int fd;

	fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	at = n > 0 ? strstr(buf, "HugePages_Free:") : NULL;
	if (!at || atoi(at + strlen("HugePages_Free:")) < 16)
		return false;
	at = strstr(buf, "Hugepagesize:");
	huge_size = at ? atol(at + strlen("Hugepagesize:")) * 1024 : 0;
	return huge_size;
}

static void probe(void)
{
	const int key = syscall(SYS_pkey_alloc, 0, 0);
	char *at;
	int fd;

	page_size = sysconf(_SC_PAGESIZE);
	have_huge = read_huge_size();
	have_keys = key >= 0;
	have_key_calls = have_keys || errno != ENOSYS;
	if (have_keys)
		syscall(SYS_pkey_free, key);

	at = map_pages(1);
	have_guards = at && !madvise(at, page_size, MADV_GUARD_INSTALL);
	if (at)
		munmap(at, page_size);
	at = map_shm(find_hole(1, page_size), page_size);
	have_shm = at;
	if (at)
		shmdt(at);
	have_remap_file_pages = syscall(SYS_remap_file_pages, 0, 0, 0, 0, 0) &&
				errno != ENOSYS;
	fd = syscall(SYS_pidfd_open, getpid(), 0);
	have_process_madvise = fd >= 0 &&
		(!syscall(SYS_process_madvise, fd, NULL, 0, MADV_COLD, 0) ||
		 errno != ENOSYS);
	if (fd >= 0)
		close(fd);

	for (size_t i = 0; i < ARRAY_SIZE(backings); i++)
		have_backing[i] = (!backings[i].huge || have_huge) &&
				  (backings[i].access != NO_KEY || have_keys) &&
				  (backings[i].kind != SHM || have_shm);
}

/* See check_why(): without these two it has less to compare. */
TEST(refusals_are_explained)
{
	if (!sealmap)
		SKIP(return, "sealmap is not beside the test, and SEALMAP= is not set");
	ASSERT_EQ(0, access(sealmap, X_OK));
}

TEST(refusals_are_traced)
{
	if (trace_pipe < 0)
		SKIP(return, "no trace events of mseal in this kernel");
}

static void remove_trace(void)
{
	close(trace_pipe);
	rmdir(TRACE_INSTANCE);
}

static void probe_why(void)
{
	static char path[4096];
	char *slash;

	sealmap = getenv("SEALMAP");
	if (!sealmap && readlink("/proc/self/exe", path, sizeof(path) - 1) > 0) {
		slash = strrchr(path, '/');
		snprintf(slash, sizeof(path) - (slash - path), "/sealmap");
		if (!access(path, X_OK))
			sealmap = path;
	}
	kernel_without_flags = sys_mseal(NULL, 0, MSEAL_MAP) == EINVAL;

	if (access("/sys/kernel/tracing/instances", F_OK))
		mount("nodev", "/sys/kernel/tracing", "tracefs", 0, NULL);
	if (access("/sys/kernel/tracing/events/mseal", F_OK) ||
	    mkdir(TRACE_INSTANCE, 0700))
		return;
	atexit(remove_trace);
	if (!write_proc(TRACE_INSTANCE "/events/mseal/mseal_refused/enable", "1"))
		trace_pipe = open(TRACE_INSTANCE "/trace_pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

int main(int argc, char **argv)
{
	probe();
	progress = mmap(NULL, page_size, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (progress == MAP_FAILED)
		return KSFT_FAIL;
	if (argc == 2 && !strcmp(argv[1], AFTER_EXEC))
		return after_exec();
	probe_why();
	return test_harness_run(argc, argv);
}
