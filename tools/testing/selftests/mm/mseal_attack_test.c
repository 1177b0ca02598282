// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attacks on sealed mappings: each case is a hole that mseal(2) had, or has.
 *
 * A case is a process of its own. It makes a mapping, seals it like a cautious
 * program would, and then tries to get around the seal by calls that need no
 * privilege. The results of the calls are printed, but the memory and the
 * mappings decide whether the attacker got anything.
 *
 *	mseal_attack_test		the attacks must fail, with the right
 *					error, and everything must be as before
 *	mseal_attack_test --pristine	for a kernel that still has the holes:
 *					the attacks must succeed. If one does
 *					not, its failure elsewhere proves nothing.
 *	mseal_attack_test [--pristine] WORD...
 *					only cases with one of these in the name
 *
 * If flags == 0 promises to stop the attack, both kernels seal with flags == 0.
 * If MSEAL_DISCARD does, a kernel that does not know that flag seals with
 * flags == 0.
 */

#include "kselftest.h"

#include <elf.h>
#include <linux/stddef.h>
#include <linux/io_uring.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "mseal_attr.h"
#include "mseal_case.h"
#include "mseal_tcp.h"

/* A byte of memory names its writer. Memory holds nothing else. */
enum {
	NOBODY = 0x00,
	OWNER = 0x11,
	THE_FILE = 0x33,
	OWNER2 = 0x44,		/* the owner, in another mapping */
	ATTACKER = 0x66,
	ANY = -1,		/* do not look */
	UNREADABLE = -2,
	MIXED = -3,
};

static unsigned long page_size;
static bool pristine;

/* The result of the case that this process runs */
static bool gained;		/* the attacker got something */
static int refusal;		/* the first error that the attacker got */
static int want = EPERM;	/* the error that is expected */

static bool *map_limit_changed;	/* shared with the process that reports */

static const char max_map_count[] = "/proc/sys/vm/max_map_count";

/* Output */

/* A gain for the attacker. */
static void __printf(1, 2) got(const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	ksft_print_msg("  the attacker got: %s\n", text);
	gained = true;
}

/* One call of the attacker */
static int step(const char *what, int err)
{
	note("%s: %s", what, errno_name(err));
	if (err && !refusal)
		refusal = err;
	return err;
}

static const char *byte_name(int byte)
{
	static char bufs[4][8];
	static unsigned int nr;
	char *buf = bufs[nr++ % 4];

	if (byte == UNREADABLE)
		return "no access";
	if (byte == MIXED)
		return "a mixture";
	snprintf(buf, sizeof(bufs[0]), "0x%02x", byte);
	return buf;
}

/* Making and looking at memory */

static size_t len_of(size_t pages)
{
	return pages * page_size;
}

static char *page(const char *at, size_t nr)
{
	return (char *)at + nr * page_size;
}

/* Room for mappings at fixed addresses, with nothing near to merge with. */
static char *room(size_t pages)
{
	char *at;

	at = mmap(NULL, len_of(pages + 2), PROT_NONE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	need(at != MAP_FAILED, "a place for mappings");
	return page(at, 1);
}

static char *map_at(char *at, size_t pages, int flags, int fd, int byte)
{
	char *got_at;

	got_at = mmap(at, len_of(pages), PROT_READ | PROT_WRITE,
		      flags | MAP_FIXED, fd, 0);
	need(got_at == at, "mmap");
	if (byte != ANY)
		memset(at, byte, len_of(pages));
	return at;
}

/* Private anonymous memory; ANY leaves it untouched. */
static char *anon_at(char *at, size_t pages, int byte)
{
	return map_at(at, pages, MAP_PRIVATE | MAP_ANONYMOUS, -1, byte);
}

static char *anon(size_t pages, int byte)
{
	return anon_at(room(pages), pages, byte);
}

/* Anonymous memory that does not merge with that of anon_at(). */
static char *other_anon_at(char *at, size_t pages, int byte)
{
	anon_at(at, pages, byte);
	need(!madvise(at, len_of(pages), MADV_DONTDUMP), "MADV_DONTDUMP");
	return at;
}

static char *shared_anon(size_t pages, int byte)
{
	return map_at(room(pages), pages, MAP_SHARED | MAP_ANONYMOUS, -1, byte);
}

static int new_file(size_t pages)
{
	char *at;
	int fd;

	fd = memfd_create("victim", MFD_CLOEXEC);
	need(fd >= 0, "memfd_create");
	need(!ftruncate(fd, len_of(pages)), "ftruncate");
	at = mmap(NULL, len_of(pages), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	need(at != MAP_FAILED, "mmap of a file");
	memset(at, THE_FILE, len_of(pages));
	munmap(at, len_of(pages));
	return fd;
}

static void protect(char *at, size_t pages, int prot)
{
	need(!mprotect(at, len_of(pages), prot), "mprotect");
}

static void read_only(char *at, size_t pages)
{
	protect(at, pages, PROT_READ);
}

/* RELRO as a loader leaves it: a private file mapping, written, then read-only. */
static char *relro(size_t pages, int fd)
{
	char *at = map_at(room(pages), pages, MAP_PRIVATE, fd, OWNER);

	read_only(at, pages);
	return at;
}

static void seal(const char *at, size_t pages, unsigned long flags)
{
	seal_range(at, len_of(pages), flags);
}

/* The byte that fills the page. The kernel reads, so there is no signal. */
static int byte_of_page(const char *at)
{
	struct peeked p;
	uint64_t first = 0;

	for (size_t i = 0; i < page_size; i += page_size / 8) {
		p = peek(at + i);
		if (p.err)
			return UNREADABLE;
		if (i && p.word != first)
			return MIXED;
		first = p.word;
	}
	return first == (first & 0xff) * 0x0101010101010101ULL ?
	       (int)(first & 0xff) : MIXED;
}

/* The number of pages that hold another byte; *now is that of the first. */
static size_t pages_changed(const char *at, size_t pages, int byte, int *now)
{
	size_t changed = 0;

	for (size_t i = 0; i < pages; i++) {
		const int b = byte_of_page(page(at, i));

		if (b == byte)
			continue;
		if (!changed)
			*now = b;
		changed++;
	}
	return changed;
}

/* The attacker gains if the memory holds anything else than before. */
static void look(const char *what, const char *at, size_t pages, int before)
{
	int now = before;
	size_t changed = pages_changed(at, pages, before, &now);

	if (changed)
		got("%s: %s -> %s (%zu of %zu pages)", what, byte_name(before),
		    byte_name(now), changed, pages);
}

/* The attacker gains only if the memory holds what was wanted. */
static void look_for(const char *what, const char *at, int before, int wanted)
{
	const int now = byte_of_page(at);

	if (now == wanted)
		got("%s: %s -> %s", what, byte_name(before), byte_name(now));
	else if (now != before)
		note("%s: %s -> %s, not what the attacker wanted", what,
		     byte_name(before), byte_name(now));
}

/* Is there nothing in the page table? Reading pagemap does not change it. */
static bool is_hole(const char *at)
{
	static int fd = -1;
	uint64_t entry;

	if (fd < 0)
		fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	need(fd >= 0, "/proc/self/pagemap");
	need(pread(fd, &entry, sizeof(entry),
		   (unsigned long)at / page_size * sizeof(entry)) == sizeof(entry),
	     "/proc/self/pagemap");
	/* The bits for a page, and for swap or another marker */
	return !(entry >> 62);
}

static int nr_vmas(const char *at, size_t pages)
{
	return read_vmas(at, page(at, pages), NULL, 0);
}

static bool vma_at(const char *at, struct vma *vma)
{
	return read_vmas(at, at + 1, vma, 1) == 1;
}

static void perms_at(const char *at, char *perms)
{
	struct vma vma;

	strcpy(perms, vma_at(at, &vma) ? vma.perms : "none");
}

/* What must be as before when an attack was refused */

#define MAX_PLACES	8
#define MAX_VMAS	8

static struct place {
	const char *at;
	size_t pages;
	int byte;
	int nr;
	struct vma vmas[MAX_VMAS];
} places[MAX_PLACES];

static int nr_places;

static int look_at_layout(const char *at, size_t pages, struct vma *vmas)
{
	int nr = read_vmas(at, page(at, pages), vmas, MAX_VMAS);

	need(nr <= MAX_VMAS, "too many mappings to look at");
	/*
	 * A monitor from before the seal is closed by the time of the second look.
	 * Clear what follows the string: vmas are compared as memory.
	 */
	for (int i = 0; i < nr; i++) {
		char *flags = vmas[i].flags, *um;

		while ((um = strstr(flags, " um ")) || (um = strstr(flags, " ui "))) {
			memmove(um, um + 3, strlen(um + 3) + 1);
			memset(flags + strlen(flags), 0,
			       sizeof(vmas[i].flags) - strlen(flags));
		}
	}
	return nr;
}

/*
 * After the attack this place must have the mappings that it has now, and hold
 * this byte. The memory is not read now, because that would fill holes.
 */
static void keep(const char *at, size_t pages, int byte)
{
	struct place *p = &places[nr_places++];

	need(nr_places <= MAX_PLACES, "too many places to look at");
	p->at = at;
	p->pages = pages;
	p->byte = byte;
	p->nr = look_at_layout(at, pages, p->vmas);
}

static void show_layout(const char *when, const struct vma *vmas, int nr)
{
	for (int i = 0; i < nr; i++)
		note("%s: %lx-%lx %s%s", when, vmas[i].start, vmas[i].end,
		     vmas[i].perms, vmas[i].flags);
	if (!nr)
		note("%s: no mapping", when);
}

static bool kept(const struct place *p)
{
	static struct vma vmas[MAX_VMAS];
	int nr, now = p->byte;
	size_t changed;
	bool ok = true;

	nr = look_at_layout(p->at, p->pages, vmas);
	if (nr != p->nr || memcmp(vmas, p->vmas, nr * sizeof(*vmas))) {
		show_layout("before", p->vmas, p->nr);
		show_layout("after", vmas, nr);
		ok = false;
	}
	if (p->byte == ANY)
		return ok;

	changed = pages_changed(p->at, p->pages, p->byte, &now);
	if (changed) {
		note("%zu of %zu pages at %p changed: %s -> %s", changed, p->pages,
		     p->at, byte_name(p->byte), byte_name(now));
		ok = false;
	}
	return ok;
}

static int verdict(void)
{
	bool ok = !gained;

	if (pristine) {
		if (!gained)
			note("the attacker got nothing: a refusal elsewhere proves nothing");
		return gained ? KSFT_PASS : KSFT_FAIL;
	}
	if (refusal != want) {
		note("first error: %s, expected %s",
		     refusal ? errno_name(refusal) : "no error",
		     want ? errno_name(want) : "no error");
		ok = false;
	}
	/* What the attacker got may be unsafe to touch. */
	for (int i = 0; i < nr_places && !gained; i++)
		ok &= kept(&places[i]);
	return ok ? KSFT_PASS : KSFT_FAIL;
}

/* The attacker's tools */

#define advise(at, pages, advice) \
	step("madvise(" #advice ")", \
	     madvise(at, len_of(pages), advice) ? errno : 0)

/* Call fn in a child of the process. It returns 0 or an error number. */
static int in_child(int (*fn)(void *arg), void *arg)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	need(pid >= 0, "fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(fn(arg));
	}
	need(waitpid(pid, &status, 0) == pid, "waitpid");
	need(WIFEXITED(status), "a child that ends by itself");
	return WEXITSTATUS(status);
}

static void stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	need(!sched_setaffinity(0, sizeof(set), &set), "sched_setaffinity");
}

/* MADV_FREE and what follows it must use the batches of the same CPU. */
static void stay_on_this_cpu(void)
{
	stay_on(sched_getcpu());
}

/* Wait for an event. It is not read, so the thread that caused it stays blocked. */
static void wait_for_event(int uffd)
{
	struct pollfd pfd = { .fd = uffd, .events = POLLIN };

	need(poll(&pfd, 1, EVENT_TIMEOUT) == 1 && pfd.revents == POLLIN,
	     "an event of the userfaultfd");
}

static void monitor(int uffd, char *at, size_t pages, uint64_t mode)
{
	errno = uffd_register_mode(uffd, at, len_of(pages), mode);
	need(!errno, "UFFDIO_REGISTER");
}

/* Fill one page with the attacker's bytes. */
static int fill_page(int uffd, char *to)
{
	return uffd_copy(uffd, to, anon(1, ATTACKER), page_size);
}

/* A discard that was permitted and is blocked until its event is read. */
struct armed {
	char *at;
	size_t pages;
	int advice;
	size_t unwatched;	/* pages at the start, which cause no event */
	bool by_elements;	/* one process_madvise(), an element for each part */
	int uffd;
	int err;
	pthread_t thread;
};

static ssize_t self_madvise(const struct iovec *iov, int nr, int advice)
{
	ssize_t ret;
	int pidfd;

	pidfd = syscall(SYS_pidfd_open, getpid(), 0);
	need(pidfd >= 0, "pidfd_open");
	ret = syscall(SYS_process_madvise, pidfd, iov, nr, advice, 0);
	return ret < 0 ? -errno : ret;
}

static void *discard(void *arg)
{
	struct armed *a = arg;
	const struct iovec iov[] = {
		{ a->at, len_of(a->unwatched) },
		{ page(a->at, a->unwatched), len_of(a->pages - a->unwatched) },
	};
	ssize_t ret;

	if (a->by_elements) {
		ret = self_madvise(iov, 2, a->advice);
		a->err = ret < 0 ? -ret : 0;
	} else {
		a->err = madvise(a->at, len_of(a->pages), a->advice) ? errno : 0;
	}
	return NULL;
}

static void start_armed(struct armed *a)
{
	a->uffd = new_uffd(UFFD_FEATURE_EVENT_REMOVE, "remove events");
	monitor(a->uffd, page(a->at, a->unwatched), a->pages - a->unwatched,
		UFFDIO_REGISTER_MODE_MISSING);
	errno = pthread_create(&a->thread, NULL, discard, a);
	need(!errno, "pthread_create");
	wait_for_event(a->uffd);
}

static void arm(struct armed *a, char *at, size_t pages, int advice)
{
	*a = (struct armed){ .at = at, .pages = pages, .advice = advice };
	start_armed(a);
}

/* Read the event that the discard waits for. */
static int fire(struct armed *a)
{
	struct uffd_msg msg;

	need(read(a->uffd, &msg, sizeof(msg)) == sizeof(msg), "reading the event");
	need(msg.event == UFFD_EVENT_REMOVE, "the event is a removal");
	errno = pthread_join(a->thread, NULL);
	need(!errno, "pthread_join");
	close(a->uffd);
	return a->err;
}

/*
 * Armed discards: a discard is permitted, drops the mmap lock to notify a
 * userfaultfd monitor, and continues after the mapping has been sealed.
 */

static void armed_dontneed(void)
{
	char *at = anon(4, OWNER);
	struct armed a;

	arm(&a, at, 4, MADV_DONTNEED);
	read_only(at, 4);
	seal(at, 4, 0);
	keep(at, 4, OWNER);
	need(madvise(at, len_of(4), MADV_DONTNEED) && errno == EPERM,
	     "the seal refuses a new MADV_DONTNEED");
	note("the seal refuses a new MADV_DONTNEED: EPERM");

	step("the MADV_DONTNEED from before the seal", fire(&a));
	look("sealed read-only memory", at, 4, OWNER);
}

static void armed_free(void)
{
	char *at = anon(4, OWNER);
	struct armed a;

	stay_on_this_cpu();
	arm(&a, at, 4, MADV_FREE);
	read_only(at, 4);
	seal(at, 4, 0);
	keep(at, 4, OWNER);
	need(madvise(at, len_of(4), MADV_FREE) && errno == EPERM,
	     "the seal refuses a new MADV_FREE");
	note("the seal refuses a new MADV_FREE: EPERM");

	step("the MADV_FREE from before the seal", fire(&a));
	advise(at, 4, MADV_PAGEOUT);
	look("sealed read-only memory", at, 4, OWNER);
}

static void armed_at_another_mapping(void)
{
	char *at = anon(4, OWNER);
	struct armed a;

	arm(&a, at, 4, MADV_DONTNEED);
	/* The new mapping is not registered with the monitor. */
	need(!munmap(at, len_of(4)), "munmap");
	anon_at(at, 4, OWNER2);
	read_only(at, 4);
	seal(at, 4, 0);
	keep(at, 4, OWNER2);

	step("the MADV_DONTNEED of another mapping", fire(&a));
	look("a sealed mapping that came later", at, 4, OWNER2);
}

static void armed_remove(void)
{
	const int fd = new_file(4);
	char *at = map_at(room(4), 4, MAP_SHARED, fd, OWNER);
	struct armed a;

	arm(&a, at, 4, MADV_REMOVE);
	/* No other mapping or descriptor can write to the file any more. */
	close(fd);
	read_only(at, 4);
	seal(at, 4, MSEAL_ALL);
	keep(at, 4, OWNER);

	step("the MADV_REMOVE from before the seal", fire(&a));
	look("sealed read-only memfd", at, 4, OWNER);
}

/*
 * The hole is punched in a file, but was permitted for addresses. Meanwhile the
 * mapping of the file is moved elsewhere and sealed there.
 */
enum left_behind { NOTHING, ANOTHER_FILE, OTHER_PAGES };

static void armed_remove_of_moved(enum left_behind left)
{
	const int fd = new_file(8);
	char *at = map_at(room(4), 4, MAP_SHARED, fd, OWNER), *to = room(4);
	struct armed a;

	arm(&a, at, 4, MADV_REMOVE);
	read_only(at, 4);
	need(mremap(at, len_of(4), len_of(4), MREMAP_MAYMOVE | MREMAP_FIXED, to) == to,
	     "mremap");
	if (left == ANOTHER_FILE)
		map_at(at, 4, MAP_SHARED, new_file(4), ANY);
	if (left == OTHER_PAGES)
		need(mmap(at, len_of(4), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			  fd, len_of(4)) == at, "mmap of the file's other pages");
	close(fd);
	seal(to, 4, MSEAL_DISCARD);
	keep(to, 4, OWNER);

	want = ENOMEM;
	step("the MADV_REMOVE of where it was", fire(&a));
	look("read-only shared memory that was moved and sealed", to, 4, OWNER);
}

static void armed_remove_moved(void)
{
	armed_remove_of_moved(NOTHING);
}

static void armed_remove_other_file(void)
{
	armed_remove_of_moved(ANOTHER_FILE);
}

static void armed_remove_other_pages(void)
{
	armed_remove_of_moved(OTHER_PAGES);
}

/*
 * A truncation that has begun when the mapping is sealed, and decided then that
 * private copies go. It takes long with many pages. After mseal() has returned the
 * last page must stay what it is at that time.
 */
#define MANY_PAGES	12000
#define MAX_TRIES	40

static void *truncate_file(void *arg)
{
	return (void *)(long)(ftruncate(*(int *)arg, 0) ? errno : 0);
}

/* Wait until it is done with the first page. Returns whether the last is there. */
static bool truncation_is_under_way(const char *at)
{
	for (long looks = 0; !is_hole(at); looks++) {
		need(looks < 50 * 1000 * 1000, "the truncation to begin");
		sched_yield();
	}
	return !is_hole(page(at, MANY_PAGES - 1));
}

static void armed_truncate(void)
{
	int tries, under_way = 0;

	/* Truncating is never refused. */
	want = 0;
	for (tries = 0; tries < MAX_TRIES && under_way < 2 && !gained; tries++) {
		int fd = new_file(MANY_PAGES), after;
		struct peeked now;
		char *at = map_at(room(MANY_PAGES), MANY_PAGES, MAP_PRIVATE, fd, OWNER);
		const char *last = page(at, MANY_PAGES - 1);
		pthread_t thread;
		void *err;

		read_only(at, MANY_PAGES);
		errno = pthread_create(&thread, NULL, truncate_file, &fd);
		need(!errno, "pthread_create");
		under_way += truncation_is_under_way(at);
		seal(at, MANY_PAGES, MSEAL_DISCARD);
		now = peek(last);
		errno = pthread_join(thread, &err);
		need(!errno && !err, "ftruncate");
		after = byte_of_page(last);
		if (!now.err && (now.word & 0xff) == OWNER && after != OWNER)
			got("the private copy in the last page after mseal(): %s -> %s",
			    byte_name(OWNER), byte_name(after));
		close(fd);
		/* It holds memory; a kernel without MSEAL_DISCARD keeps it. */
		munmap(at, len_of(MANY_PAGES));
	}
	note("%d of %d truncations were under way when the mapping was sealed", under_way,
	     tries);
	if (!under_way)
		skip("no truncation was under way when the mapping was sealed");
}

/*
 * A discard that has emptied the page tables, but has not told the other CPUs. It
 * waits for a userfaultfd monitor of what else it discards, after it has dropped
 * its lock. A thread on another CPU makes no system calls and still reads the page
 * that it had. The owner seals the page in between.
 */
struct reader {
	const char *at;
	int cpu;
	bool sealed;		/* set once mseal() has returned */
	bool stop;
	unsigned long reads;
	int byte;		/* of the last of them */
	int first_after;	/* of the first that began after mseal() */
};

static void *read_on(void *arg)
{
	struct reader *r = arg;

	stay_on(r->cpu);
	while (!__atomic_load_n(&r->stop, __ATOMIC_ACQUIRE)) {
		const bool sealed = __atomic_load_n(&r->sealed, __ATOMIC_ACQUIRE);
		const int byte = __atomic_load_n(r->at, __ATOMIC_RELAXED);

		__atomic_store_n(&r->byte, byte, __ATOMIC_RELAXED);
		if (sealed && r->first_after == ANY)
			__atomic_store_n(&r->first_after, byte, __ATOMIC_RELAXED);
		__atomic_store_n(&r->reads, r->reads + 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

/* What does the reader see from now on? */
static int byte_read_now(struct reader *r)
{
	const unsigned long before = __atomic_load_n(&r->reads, __ATOMIC_ACQUIRE);

	for (long looks = 0; __atomic_load_n(&r->reads, __ATOMIC_ACQUIRE) < before + 3;
	     looks++) {
		need(looks < 200 * 1000 * 1000, "the other CPU to read");
		sched_yield();
	}
	return __atomic_load_n(&r->byte, __ATOMIC_RELAXED);
}

/* Two CPUs that this process may use; it stays on the first. */
static int other_cpu(void)
{
	int cpu, first = -1;
	cpu_set_t set;

	need(!sched_getaffinity(0, sizeof(set), &set), "sched_getaffinity");
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &set))
			continue;
		if (first >= 0)
			break;
		first = cpu;
	}
	if (cpu == CPU_SETSIZE)
		skip("it takes two CPUs");
	stay_on(first);
	return cpu;
}

/* Returns whether the reader still had the page when it was sealed. */
static bool try_stale_page(int cpu, bool by_elements)
{
	char *at = room(2);
	struct reader r = { .at = at, .cpu = cpu, .byte = ANY, .first_after = ANY };
	struct armed a = {
		.at = at, .pages = 2, .unwatched = 1, .advice = MADV_DONTNEED,
		.by_elements = by_elements,
	};
	pthread_t thread;
	bool stale;
	int last;

	anon_at(at, 1, OWNER);
	read_only(at, 1);
	anon_at(page(at, 1), 1, OWNER);
	errno = pthread_create(&thread, NULL, read_on, &r);
	need(!errno, "pthread_create");
	need(byte_read_now(&r) == OWNER, "the other CPU reads the page");

	start_armed(&a);
	stale = byte_read_now(&r) == OWNER;
	seal(at, 1, 0);
	__atomic_store_n(&r.sealed, true, __ATOMIC_RELEASE);
	byte_read_now(&r);
	a.err = fire(&a);
	need(!a.err, "the discard was permitted");
	last = byte_read_now(&r);
	__atomic_store_n(&r.stop, true, __ATOMIC_RELEASE);
	errno = pthread_join(thread, NULL);
	need(!errno, "pthread_join");

	need(last == NOBODY, "the page is discarded");
	if (r.first_after != last)
		got("a sealed page that changes: after mseal() a thread reads %s, then %s",
		    byte_name(r.first_after), byte_name(last));
	return stale;
}

static void stale_page(bool by_elements)
{
	const int cpu = other_cpu();
	int tries, stale = 0;

	/* The discard is from before the seal, so nothing is refused. */
	want = 0;
	for (tries = 0; tries < (stale ? MAX_TRIES : 4) && stale < 3 && !gained; tries++)
		stale += try_stale_page(cpu, by_elements);
	note("in %d of %d tries the other CPU still had the page when it was sealed",
	     stale, tries);
	if (!stale)
		skip("no CPU uses what has left the page table");
}

static void stale_page_madvise(void)
{
	stale_page(false);
}

static void stale_page_process_madvise(void)
{
	stale_page(true);
}

/*
 * A UFFDIO_COPY that has checked its destination and then waits for its source.
 * The wait is a page fault in the kernel. Here it takes privilege to answer that;
 * a source on a slow file system would not need any.
 */
struct armed_copy {
	int uffd;
	char *to, *from;
	int err;
};

static void *copy_slowly(void *arg)
{
	struct armed_copy *c = arg;

	c->err = uffd_copy(c->uffd, c->to, c->from, page_size);
	return NULL;
}

static void armed_copy(void)
{
	const int source = open_uffd(0, 0, "");
	struct armed_copy c = {
		.uffd = new_uffd(0, ""),
		.to = anon(1, ANY),
		.from = anon(1, ANY),
	};
	pthread_t thread;

	monitor(c.uffd, c.to, 1, UFFDIO_REGISTER_MODE_MISSING);
	monitor(source, c.from, 1, UFFDIO_REGISTER_MODE_MISSING);
	errno = pthread_create(&thread, NULL, copy_slowly, &c);
	need(!errno, "pthread_create");
	wait_for_event(source);
	read_only(c.to, 1);
	seal(c.to, 1, MSEAL_ALL);
	keep(c.to, 1, NOBODY);

	errno = fill_page(source, c.from);
	need(!errno, "the source of the copy");
	errno = pthread_join(thread, NULL);
	need(!errno, "pthread_join");
	step("the UFFDIO_COPY from before the seal", c.err);
	close(c.uffd);
	close(source);
	look_for("sealed read-only memory", c.to, NOBODY, ATTACKER);
}

/* Contents for sealed read-only memory, by userfaultfd */

static void fill_emptied_memfd(void)
{
	char *at = relro(2, new_file(2));
	int uffd = new_uffd(0, "");

	seal(at, 2, MSEAL_ALL);
	keep(at, 2, OWNER);

	advise(at, 2, MADV_DONTNEED);
	step("UFFDIO_REGISTER",
	     uffd_register_mode(uffd, at, len_of(2), UFFDIO_REGISTER_MODE_MISSING));
	step("UFFDIO_COPY", fill_page(uffd, at));
	close(uffd);
	look_for("sealed read-only private memfd", at, OWNER, ATTACKER);
}

static void fill_emptied_shared_anon(void)
{
	char *at = shared_anon(2, OWNER);
	int uffd = new_uffd(0, "");

	read_only(at, 2);
	seal(at, 2, MSEAL_ALL);
	keep(at, 2, OWNER);

	advise(at, 2, MADV_REMOVE);
	step("UFFDIO_REGISTER",
	     uffd_register_mode(uffd, at, len_of(2), UFFDIO_REGISTER_MODE_MISSING));
	step("UFFDIO_COPY", fill_page(uffd, at));
	close(uffd);
	look_for("sealed read-only shared memory", at, OWNER, ATTACKER);
}

static void fill_untouched_anon(void)
{
	char *at = anon(2, ANY);
	int uffd = new_uffd(0, "");

	read_only(at, 2);
	seal(at, 2, MSEAL_ALL);
	keep(at, 2, NOBODY);

	step("UFFDIO_REGISTER",
	     uffd_register_mode(uffd, at, len_of(2), UFFDIO_REGISTER_MODE_MISSING));
	step("UFFDIO_COPY", fill_page(uffd, at));
	close(uffd);
	look_for("sealed read-only memory, untouched", at, NOBODY, ATTACKER);
}

static void register_sealed(void)
{
	char *at = anon(2, OWNER);
	int uffd = new_uffd(0, "");
	struct vma vma;

	read_only(at, 2);
	seal(at, 2, MSEAL_ALL);
	keep(at, 2, OWNER);

	step("UFFDIO_REGISTER",
	     uffd_register_mode(uffd, at, len_of(2), UFFDIO_REGISTER_MODE_MISSING));
	need(vma_at(at, &vma), "the mapping is still there");
	if (vma_has_flag(&vma, "um"))
		got("a userfaultfd that answers the faults of the sealed mapping");
	close(uffd);
}

/* Memory that was never touched, with a monitor from before the seal. */
static char *monitored_file(int *uffd, uint64_t features, const char *what)
{
	char *at;

	*uffd = new_uffd(features, what);
	at = map_at(room(2), 2, MAP_PRIVATE, new_file(2), ANY);
	monitor(*uffd, at, 2, UFFDIO_REGISTER_MODE_MISSING);
	read_only(at, 2);
	seal(at, 2, MSEAL_ALL);
	keep(at, 2, THE_FILE);
	return at;
}

static void fill_monitored_copy(void)
{
	int uffd;
	char *at = monitored_file(&uffd, 0, "");

	step("UFFDIO_COPY", fill_page(uffd, at));
	close(uffd);
	look_for("sealed read-only file", at, THE_FILE, ATTACKER);
}

static void fill_monitored_zeropage(void)
{
	int uffd;
	char *at = monitored_file(&uffd, 0, "");

	step("UFFDIO_ZEROPAGE", uffd_zeropage(uffd, at, page_size));
	close(uffd);
	look_for("sealed read-only file", at, THE_FILE, NOBODY);
}

static void fill_monitored_poison(void)
{
	int uffd;
	char *at = monitored_file(&uffd, UFFD_FEATURE_POISON, "poison");

	need(is_hole(at), "a hole");
	step("UFFDIO_POISON", uffd_poison(uffd, at, page_size));
	close(uffd);
	/* Do not read the page: UML panics if it is poisoned. */
	if (!is_hole(at))
		got("poison in a hole of sealed memory: SIGBUS for its readers");
}

static void fill_monitored_continue(void)
{
	int uffd = new_uffd(UFFD_FEATURE_MINOR_SHMEM, "minor faults");
	char *at = map_at(room(2), 2, MAP_SHARED, new_file(2), ANY);

	monitor(uffd, at, 2, UFFDIO_REGISTER_MODE_MINOR);
	read_only(at, 2);
	seal(at, 2, MSEAL_ALL);
	keep(at, 2, THE_FILE);
	need(is_hole(at), "a hole");

	step("UFFDIO_CONTINUE", uffd_continue(uffd, at, page_size));
	if (!is_hole(at))
		got("a page in a hole of sealed memory, at a time of the attacker's choice");
	close(uffd);
}

/* Protection keys: the mapping is writable, but not for this thread. */

static int new_key(void)
{
	int key = pkey_alloc(0, 0);

	if (key < 0)
		skip("no protection keys here");
	return key;
}

static void give_key(char *at, size_t pages, int key)
{
	need(!pkey_mprotect(at, len_of(pages), PROT_READ | PROT_WRITE, key),
	     "pkey_mprotect");
}

static void deny_write(int key)
{
	need(!pkey_set(key, PKEY_DISABLE_WRITE), "pkey_set");
}

static void move_out_despite_key(void)
{
	int uffd, key = new_key();
	char *at = anon(2, OWNER), *to = anon(2, ANY);

	uffd = new_uffd(UFFD_FEATURE_MOVE, "move");
	give_key(at, 2, key);
	give_key(to, 2, key);
	monitor(uffd, to, 2, UFFDIO_REGISTER_MODE_MISSING);
	seal(at, 2, MSEAL_ALL);
	deny_write(key);
	keep(at, 2, OWNER);
	need(madvise(at, len_of(2), MADV_DONTNEED) && errno == EPERM,
	     "the key lets the seal refuse MADV_DONTNEED");
	note("the key denies writing, so the seal refuses MADV_DONTNEED: EPERM");

	step("UFFDIO_MOVE", uffd_move(uffd, to, at, len_of(2)));
	close(uffd);
	look("sealed memory that the key denies to write", at, 2, OWNER);
}

static void move_in_despite_key(void)
{
	int uffd, key = new_key();
	char *at = anon(2, ANY), *from = anon(2, ATTACKER);

	uffd = new_uffd(UFFD_FEATURE_MOVE, "move");
	give_key(at, 2, key);
	give_key(from, 2, key);
	monitor(uffd, at, 2, UFFDIO_REGISTER_MODE_MISSING);
	seal(at, 2, MSEAL_ALL);
	deny_write(key);
	keep(at, 2, NOBODY);

	step("UFFDIO_MOVE", uffd_move(uffd, at, from, len_of(2)));
	close(uffd);
	look_for("sealed memory that the key denies to write", at, NOBODY, ATTACKER);
}

static void copy_despite_key(void)
{
	int uffd = new_uffd(0, ""), key = new_key();
	char *at = anon(2, ANY);

	give_key(at, 2, key);
	monitor(uffd, at, 2, UFFDIO_REGISTER_MODE_MISSING);
	seal(at, 2, MSEAL_ALL);
	deny_write(key);
	keep(at, 2, NOBODY);

	step("UFFDIO_COPY", fill_page(uffd, at));
	close(uffd);
	look_for("sealed memory that the key denies to write", at, NOBODY, ATTACKER);
}

struct foreign {
	int uffd, key;
	char *at;
};

static int copy_from_child(void *arg)
{
	struct foreign *f = arg;

	/* This changes the child's register only, not the parent's. */
	if (pkey_set(f->key, 0))
		return errno;
	return fill_page(f->uffd, f->at);
}

static void copy_by_another_process(void)
{
	struct foreign f = {
		.uffd = new_uffd(0, ""),
		.key = new_key(),
		.at = anon(2, ANY),
	};

	give_key(f.at, 2, f.key);
	monitor(f.uffd, f.at, 2, UFFDIO_REGISTER_MODE_MISSING);
	seal(f.at, 2, MSEAL_ALL);
	deny_write(f.key);
	keep(f.at, 2, NOBODY);

	/* The monitor fills the parent's memory, whichever process uses it. */
	step("UFFDIO_COPY by another process, whose key permits writing",
	     in_child(copy_from_child, &f));
	close(f.uffd);
	look_for("sealed memory that the key denies to write", f.at, NOBODY, ATTACKER);
}

/* Discarding private copies of file pages, which undoes relocations */

static void relro_dontneed(void)
{
	char *at = relro(2, new_file(2));

	seal(at, 2, MSEAL_ALL);
	keep(at, 2, OWNER);

	advise(at, 2, MADV_DONTNEED);
	look("RELRO holds the file's bytes again", at, 2, OWNER);
}

static void relro_dontneed_locked(void)
{
	char *at = relro(2, new_file(2));

	need(!mlock(at, len_of(2)), "mlock");
	seal(at, 2, MSEAL_ALL);
	keep(at, 2, OWNER);

	advise(at, 2, MADV_DONTNEED_LOCKED);
	look("mlocked RELRO holds the file's bytes again", at, 2, OWNER);
}

static void relro_munlock(void)
{
	char *at = relro(2, new_file(2));

	need(!mlock(at, len_of(2)), "mlock");
	seal(at, 2, MSEAL_ALL);
	need(madvise(at, len_of(2), MADV_DONTNEED), "MADV_DONTNEED fails after mlock");

	step("munlock", munlock(at, len_of(2)) ? errno : 0);
	keep(at, 2, OWNER);
	advise(at, 2, MADV_DONTNEED);
	look("RELRO holds the file's bytes again", at, 2, OWNER);
}

static void relro_process_madvise(void)
{
	char *at = relro(2, new_file(2));
	struct iovec iov = { at, len_of(2) };
	ssize_t ret;

	seal(at, 2, MSEAL_ALL);
	keep(at, 2, OWNER);

	ret = self_madvise(&iov, 1, MADV_DONTNEED);
	step("process_madvise(MADV_DONTNEED)", ret < 0 ? -ret : 0);
	look("RELRO holds the file's bytes again", at, 2, OWNER);
}

/* One madvise() by io_uring. */
static int uring_madvise(char *at, size_t len, int advice)
{
	struct io_uring_params p = {};
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqe;
	char *sq, *cq;
	int fd, err;

	fd = syscall(__NR_io_uring_setup, 1, &p);
	if (fd < 0 && (is_missing(errno) || errno == EPERM))
		skip("the kernel has no io_uring for us");
	need(fd >= 0, "io_uring_setup");
	sq = mmap(NULL, p.sq_off.array + p.sq_entries * sizeof(uint32_t),
		  PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQ_RING);
	cq = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof(*cqe),
		  PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_CQ_RING);
	sqes = mmap(NULL, p.sq_entries * sizeof(*sqes), PROT_READ | PROT_WRITE,
		    MAP_SHARED, fd, IORING_OFF_SQES);
	need(sq != MAP_FAILED && cq != MAP_FAILED && sqes != MAP_FAILED,
	     "the rings of io_uring");

	memset(sqes, 0, sizeof(*sqes));
	sqes->opcode = IORING_OP_MADVISE;
	sqes->addr = (unsigned long)at;
	sqes->len = len;
	sqes->fadvise_advice = advice;
	*(uint32_t *)(sq + p.sq_off.array) = 0;
	__atomic_store_n((uint32_t *)(sq + p.sq_off.tail), 1, __ATOMIC_RELEASE);
	need(syscall(__NR_io_uring_enter, fd, 1, 1, IORING_ENTER_GETEVENTS,
		     NULL, 0) == 1, "io_uring_enter");
	need(__atomic_load_n((uint32_t *)(cq + p.cq_off.tail), __ATOMIC_ACQUIRE) == 1,
	     "a completion");
	cqe = (struct io_uring_cqe *)(cq + p.cq_off.cqes);
	err = -cqe->res;
	close(fd);
	return err;
}

static void relro_io_uring(void)
{
	char *at = relro(2, new_file(2));

	seal(at, 2, MSEAL_ALL);
	keep(at, 2, OWNER);

	step("MADV_DONTNEED by io_uring",
	     uring_madvise(at, len_of(2), MADV_DONTNEED));
	look("RELRO holds the file's bytes again", at, 2, OWNER);
}

static void relro_guard(void)
{
	char *at = relro(2, new_file(2));

	seal(at, 2, 0);
	keep(at, 2, OWNER);

	advise(at, 2, MADV_GUARD_INSTALL);
	look("RELRO is a guard region", at, 2, OWNER);
	advise(at, 2, MADV_GUARD_REMOVE);
	look("RELRO holds the file's bytes again", at, 2, OWNER);
}

static void relro_truncate(void)
{
	const int fd = new_file(2);
	char *at = relro(2, fd), path[32];
	int other;

	/* By an open file of its own, as another process would. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	other = open(path, O_RDWR | O_CLOEXEC);
	need(other >= 0, "opening the file again");
	close(fd);
	seal(at, 2, MSEAL_ALL);
	keep(at, 2, OWNER);

	/* Truncating is never refused: the private copies must survive it. */
	want = 0;
	step("ftruncate to nothing", ftruncate(other, 0) ? errno : 0);
	look("RELRO, the file gone", at, 2, OWNER);
	step("ftruncate back to its size", ftruncate(other, len_of(2)) ? errno : 0);
	look("RELRO, the file back", at, 2, OWNER);
}

/* Shared memory */

static void shared_anon_remove(void)
{
	char *at = shared_anon(2, OWNER);

	read_only(at, 2);
	seal(at, 2, MSEAL_ALL);
	keep(at, 2, OWNER);

	advise(at, 2, MADV_REMOVE);
	look("sealed read-only shared memory", at, 2, OWNER);
}

static void shared_memfd_remove(void)
{
	const int fd = new_file(2);
	char *at = map_at(room(2), 2, MAP_SHARED, fd, OWNER);

	close(fd);
	read_only(at, 2);
	seal(at, 2, MSEAL_ALL);
	keep(at, 2, OWNER);

	advise(at, 2, MADV_REMOVE);
	look("sealed read-only memfd that no process can write to", at, 2, OWNER);
}

/* What a socket receives, in a mapping of the socket */

static void zerocopy_receive(void)
{
	char *from = anon(1, OWNER), *at;
	int out, in, err;

	err = tcp_pair(&out, &in);
	if (tcp_missing(err))
		skip("%s", tcp_missing(err));
	errno = err;
	need(!err, "a connection");
	at = mmap(NULL, page_size, PROT_READ, MAP_SHARED, in, 0);
	if (at == MAP_FAILED && errno == ENODEV)
		skip("sockets cannot be mapped here");
	need(at != MAP_FAILED, "mmap of a socket");
	errno = tcp_send_page(out, in, from, page_size);
	need(!errno, "sending a page");
	errno = tcp_receive_page(in, at, page_size);
	need(!errno && byte_of_page(at) == OWNER, "receiving a page");
	seal(at, 1, MSEAL_ALL);
	keep(at, 1, OWNER);

	errno = tcp_send_page(out, in, anon(1, ATTACKER), page_size);
	need(!errno, "sending another page");
	step("getsockopt(TCP_ZEROCOPY_RECEIVE)", tcp_receive_page(in, at, page_size));
	look("sealed read-only mapping of a socket", at, 1, OWNER);
}

/* Huge pages and shadow stacks, which do not count as anonymous */

static size_t huge_pages(void)
{
	char line[128];
	size_t kb = 0;
	FILE *f;

	f = fopen("/proc/meminfo", "re");
	need(f, "/proc/meminfo");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Hugepagesize: %zu", &kb) == 1)
			break;
	fclose(f);
	if (!kb)
		skip("the kernel has no hugetlb");
	return kb * 1024 / page_size;
}

/* Room at an aligned address, with as much room before it. */
static char *huge_room(size_t pages)
{
	const unsigned long size = len_of(pages);
	unsigned long at = (unsigned long)room(3 * pages);

	return (char *)((at + 2 * size - 1) & ~(size - 1));
}

static char *map_huge(char *at, size_t pages, int flags, int fd)
{
	char *got_at;

	got_at = mmap(at, len_of(pages), PROT_READ | PROT_WRITE,
		      flags | MAP_FIXED, fd, 0);
	if (got_at == MAP_FAILED && errno == ENOMEM)
		skip("too few huge pages in vm.nr_hugepages");
	need(got_at == at, "mmap of a huge page");
	return at;
}

static void huge_anon_dontneed(void)
{
	const size_t pages = huge_pages();
	char *at;

	at = map_huge(huge_room(pages), pages,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1);
	memset(at, OWNER, len_of(pages));
	read_only(at, pages);
	seal(at, pages, MSEAL_ALL);
	keep(at, pages, OWNER);

	advise(at, pages, MADV_DONTNEED);
	look("sealed read-only huge page", at, pages, OWNER);
}

/* Private copies of a file in huge pages, read-only and sealed. */
static char *huge_private(size_t pages, int *fd)
{
	char *at, *file;

	*fd = memfd_create("victim", MFD_CLOEXEC | MFD_HUGETLB);
	need(*fd >= 0, "memfd_create(MFD_HUGETLB)");
	need(!ftruncate(*fd, len_of(pages)), "ftruncate");
	file = map_huge(huge_room(pages), pages, MAP_SHARED, *fd);
	at = map_huge(huge_room(pages), pages, MAP_PRIVATE, *fd);
	memset(file, THE_FILE, len_of(pages));
	memset(at, OWNER, len_of(pages));
	munmap(file, len_of(pages));
	read_only(at, pages);
	seal(at, pages, MSEAL_ALL);
	keep(at, pages, OWNER);
	return at;
}

static void huge_file_dontneed(void)
{
	const size_t pages = huge_pages();
	int fd;
	char *at = huge_private(pages, &fd);

	advise(at, pages, MADV_DONTNEED);
	look("sealed private huge page holds the file's bytes again", at, pages, OWNER);
}

static void huge_file_truncate(void)
{
	const size_t pages = huge_pages();
	int fd;
	char *at = huge_private(pages, &fd);

	/* Truncating is never refused: the private copies must survive it. */
	want = 0;
	step("ftruncate to nothing", ftruncate(fd, 0) ? errno : 0);
	look("sealed private huge page, the file gone", at, pages, OWNER);
	step("ftruncate back to its size", ftruncate(fd, len_of(pages)) ? errno : 0);
	look("sealed private huge page, the file back", at, pages, OWNER);
}

static void huge_file_punch(void)
{
	const size_t pages = huge_pages();
	int fd;
	char *at = huge_private(pages, &fd);

	/* Neither is a hole in the file. */
	want = 0;
	step("fallocate(FALLOC_FL_PUNCH_HOLE)",
	     fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
		       len_of(pages)) ? errno : 0);
	look("sealed private huge page, a hole in the file", at, pages, OWNER);
}

#ifndef __NR_map_shadow_stack
#define __NR_map_shadow_stack	453
#endif
#define SHSTK_SET_TOKEN		0x1	/* a word at the top that is not 0 */

static void shadow_stack_dontneed(void)
{
	struct peeked before, after;
	char *at, *token;

	at = (char *)syscall(__NR_map_shadow_stack, 0, page_size, SHSTK_SET_TOKEN);
	if (at == MAP_FAILED)
		skip("no shadow stacks here");
	token = at + page_size - sizeof(uint64_t);
	seal(at, 1, MSEAL_ALL);
	keep(at, 1, ANY);
	before = peek(token);
	need(!before.err && before.word, "a token on the shadow stack");

	advise(at, 1, MADV_DONTNEED);
	after = peek(token);
	if (after.err || after.word != before.word)
		got("sealed shadow stack: token %#llx -> %#llx",
		    (unsigned long long)before.word, (unsigned long long)after.word);
}

#ifdef __x86_64__

#define ARCH_SHSTK_ENABLE	0x5001
#define ARCH_SHSTK_DISABLE	0x5002
#define ARCH_SHSTK_SHSTK	1UL

/* Inline: a function would return by a shadow stack without its call. */
#define inline_arch_prctl(op, arg) ({					\
	long ret_;							\
									\
	asm volatile("syscall" : "=a" (ret_)				\
		     : "a" (SYS_arch_prctl), "D" ((long)(op)), "S" (arg) \
		     : "rcx", "r11", "memory");				\
	ret_;								\
})

#define TAINT_WARN	9

static bool has_warned(void)
{
	char text[32] = "";
	int fd;

	fd = open("/proc/sys/kernel/tainted", O_RDONLY | O_CLOEXEC);
	need(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0, "kernel.tainted");
	close(fd);
	return strtoul(text, NULL, 10) >> TAINT_WARN & 1;
}

static void shadow_stack_warning(void)
{
	static struct vma vmas[256];
	bool found = false;
	long ret;
	int nr;

	if (has_warned())
		skip("the kernel has warned of something before");
	ret = inline_arch_prctl(ARCH_SHSTK_ENABLE, ARCH_SHSTK_SHSTK);
	if (ret)
		skip("no shadow stacks here");

	/* From here on this function must not return. */
	nr = read_vmas(NULL, (void *)-1UL, vmas, ARRAY_SIZE(vmas));
	for (int i = 0; i < nr && i < (int)ARRAY_SIZE(vmas); i++) {
		if (!vma_has_flag(&vmas[i], "ss"))
			continue;
		seal((void *)vmas[i].start,
		     (vmas[i].end - vmas[i].start) / page_size, 0);
		keep((void *)vmas[i].start,
		     (vmas[i].end - vmas[i].start) / page_size, ANY);
		found = true;
	}
	need(found, "a shadow stack to seal");

	want = 0;
	ret = inline_arch_prctl(ARCH_SHSTK_DISABLE, ARCH_SHSTK_SHSTK);
	step("ARCH_SHSTK_DISABLE", -ret);
	if (has_warned())
		got("a warning in the kernel log, by a system call");
	ret = verdict();
	fflush(stdout);
	_exit(ret);
}

#else

static void shadow_stack_warning(void)
{
	skip("shadow stacks are tested on x86-64 only");
}

#endif

/* Guard pages */

static void guard_remove(void)
{
	char *at = map_at(room(4), 4, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK,
			  -1, OWNER);

	need(!madvise(at, len_of(1), MADV_GUARD_INSTALL), "MADV_GUARD_INSTALL");
	seal(at, 4, 0);
	keep(at, 4, ANY);
	keep(at, 1, UNREADABLE);
	keep(page(at, 1), 3, OWNER);

	advise(at, 1, MADV_GUARD_REMOVE);
	look("the sealed guard page below a stack", at, 1, UNREADABLE);
}

static void guard_install_anon(void)
{
	char *at = anon(4, OWNER);

	seal(at, 4, 0);
	keep(at, 4, OWNER);

	advise(page(at, 1), 2, MADV_GUARD_INSTALL);
	look("sealed writable memory", at, 4, OWNER);
}

static void guard_install_text(void)
{
	char *at = map_at(room(2), 2, MAP_PRIVATE, new_file(2), ANY);

	protect(at, 2, PROT_READ | PROT_EXEC);
	seal(at, 2, 0);
	keep(at, 2, THE_FILE);

	advise(at, 2, MADV_GUARD_INSTALL);
	look("sealed .text", at, 2, THE_FILE);
}

/* MADV_FREE before the seal, which takes effect after it */

static void free_then_pageout(void)
{
	char *at = anon(4, OWNER);

	stay_on_this_cpu();
	need(!madvise(at, len_of(4), MADV_FREE), "MADV_FREE");
	read_only(at, 4);
	seal(at, 4, MSEAL_ALL);
	keep(at, 4, OWNER);

	/* MADV_PAGEOUT is not refused: it keeps the contents of other pages. */
	want = 0;
	advise(at, 4, MADV_PAGEOUT);
	look("sealed read-only memory", at, 4, OWNER);
}

static bool has_huge_page(const char *at)
{
	char *line = strstr(read_proc("/proc/self/smaps"), "\n"), key[32];
	unsigned long kb = 0;

	snprintf(key, sizeof(key), "\n%lx-", (unsigned long)at);
	line = strstr(line, key);
	line = line ? strstr(line, "AnonHugePages:") : NULL;
	return line && sscanf(line, "AnonHugePages: %lu", &kb) == 1 && kb;
}

static void free_thp_then_pageout(void)
{
	size_t size = 0, pages;
	char text[32] = "";
	char *at;
	int fd;

	fd = open("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size",
		  O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0)
		size = strtoul(text, NULL, 10);
	if (!size)
		skip("the kernel has no transparent huge pages");
	pages = size / page_size;

	stay_on_this_cpu();
	at = anon_at(huge_room(pages), pages, ANY);
	madvise(at, size, MADV_HUGEPAGE);
	memset(at, OWNER, size);
	if (!has_huge_page(at))
		skip("no huge page to be had now");
	need(!madvise(at, size, MADV_FREE), "MADV_FREE");
	read_only(at, pages);
	seal(at, pages, MSEAL_ALL);
	keep(at, pages, OWNER);

	want = 0;
	advise(at, pages, MADV_PAGEOUT);
	look("sealed read-only huge page", at, pages, OWNER);
}

/* What a child of fork() inherits */

struct target {
	char *at;
	size_t len;
};

static int map_over(void *arg)
{
	const struct target *r = arg;
	char *at;

	at = mmap(r->at, r->len, PROT_READ | PROT_WRITE | PROT_EXEC,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (at == MAP_FAILED)
		return errno;
	memset(at, ATTACKER, r->len);
	return 0;
}

static void replace_in_child(const char *what, char *at, size_t pages)
{
	struct target r = { at, len_of(pages) };

	advise(at, pages, MADV_DONTFORK);
	if (!step("mmap(MAP_FIXED) there, in a child", in_child(map_over, &r)))
		got("in a child, writable and executable memory in the place of %s",
		    what);
}

static void dontfork_vdso(void)
{
	const char *vdso = (char *)getauxval(AT_SYSINFO_EHDR);
	struct vma vma;
	size_t pages;

	if (!vdso)
		skip("no vDSO here");
	need(vma_at(vdso, &vma), "the mapping of the vDSO");
	pages = (vma.end - vma.start) / page_size;
	seal((char *)vma.start, pages, 0);
	keep((char *)vma.start, pages, ANY);
	replace_in_child("the sealed vDSO", (char *)vma.start, pages);
}

static void dontfork_text(void)
{
	char *at = map_at(room(2), 2, MAP_PRIVATE, new_file(2), ANY);

	protect(at, 2, PROT_READ | PROT_EXEC);
	seal(at, 2, 0);
	keep(at, 2, THE_FILE);
	replace_in_child("sealed .text", at, 2);
}

/* Memory that anybody could write to can be taken from a child: not so with a key. */
static void dontfork_despite_key(void)
{
	char *at = map_at(room(2), 2, MAP_PRIVATE, new_file(2), OWNER);
	const int key = new_key();

	give_key(at, 2, key);
	seal(at, 2, 0);
	deny_write(key);
	keep(at, 2, OWNER);
	replace_in_child("sealed memory that the key denies to write", at, 2);
}

static int is_owners(void *arg)
{
	return byte_of_page(arg) != OWNER;
}

static void keeponfork(void)
{
	char *at = anon(2, OWNER);

	need(!madvise(at, len_of(2), MADV_WIPEONFORK), "MADV_WIPEONFORK");
	read_only(at, 2);
	seal(at, 2, MSEAL_ALL);
	keep(at, 2, OWNER);
	need(in_child(is_owners, at), "a child has it wiped");

	advise(at, 2, MADV_KEEPONFORK);
	if (!in_child(is_owners, at))
		got("in a child, the contents of the sealed memory, which no child was to see");
}

/* Refusals that came too late: a part was done already */

static void partial_mprotect(bool by_key)
{
	char *at = room(6), before[5], after[5];
	int err;

	anon_at(at, 2, OWNER);
	other_anon_at(page(at, 2), 2, OWNER);
	anon_at(page(at, 4), 2, OWNER);
	read_only(page(at, 4), 2);
	seal(page(at, 4), 2, 0);
	keep(at, 6, OWNER);
	perms_at(at, before);

	if (by_key) {
		err = syscall(SYS_pkey_mprotect, at, len_of(6), PROT_NONE, -1) ?
		      errno : 0;
		if (is_missing(err))
			skip("no pkey_mprotect() here");
	} else {
		err = mprotect(at, len_of(6), PROT_NONE) ? errno : 0;
	}
	step(by_key ? "pkey_mprotect" : "mprotect", err);
	perms_at(at, after);
	if (strcmp(before, after))
		got("a refused call changed the mapping before the sealed one: %s -> %s",
		    before, after);
}

static void mprotect_partial(void)
{
	partial_mprotect(false);
}

static void pkey_mprotect_partial(void)
{
	partial_mprotect(true);
}

/* Writable memory, followed by sealed memory that must not be discarded. */
static char *writable_and_sealed(void)
{
	char *at = room(4);

	anon_at(at, 4, OWNER);
	read_only(page(at, 2), 2);
	seal(page(at, 2), 2, 0);
	keep(at, 4, OWNER);
	return at;
}

static void madvise_partial(void)
{
	char *at = writable_and_sealed();

	advise(at, 4, MADV_DONTNEED);
	look("a refused call discarded the memory before the sealed", at, 2, OWNER);
}

static void process_madvise_partial(void)
{
	char *at = writable_and_sealed();
	struct iovec iov = { at, len_of(4) };
	ssize_t ret;

	ret = self_madvise(&iov, 1, MADV_DONTNEED);
	step("process_madvise(MADV_DONTNEED), one element", ret < 0 ? -ret : 0);
	look("a refused element, the memory before the sealed", at, 2, OWNER);
}

/* The elements before the refused one are done and reported, this one is not. */
static void process_madvise_hides(void)
{
	char *first = anon(2, OWNER2), *at = writable_and_sealed();
	const struct iovec iov[] = {
		{ first, len_of(2) },
		{ at, len_of(4) },
	};
	ssize_t ret;

	want = 0;
	keep(first, 2, NOBODY);
	ret = self_madvise(iov, 2, MADV_DONTNEED);
	step("process_madvise(MADV_DONTNEED), two elements", ret < 0 ? -ret : 0);
	need(ret == (ssize_t)len_of(2), "the first element reported, and no more");
	note("it reports the first element as done, and no more");
	look("the second, its memory before the sealed", at, 2, OWNER);
}

static void munmap_split(void)
{
	char *at = writable_and_sealed();
	const int before = nr_vmas(at, 4);

	step("munmap", munmap(page(at, 1), len_of(3)) ? errno : 0);
	if (nr_vmas(at, 4) != before)
		got("a refused call split the mapping before the sealed one: %d -> %d mappings",
		    before, nr_vmas(at, 4));
}

static void mmap_split(void)
{
	char *at = writable_and_sealed();
	const int before = nr_vmas(at, 4);

	step("mmap(MAP_FIXED)",
	     mmap(page(at, 1), len_of(3), PROT_NONE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED ?
	     errno : 0);
	if (nr_vmas(at, 4) != before)
		got("a refused call split the mapping before the sealed one: %d -> %d mappings",
		    before, nr_vmas(at, 4));
}

static int remap(char *from, size_t old, size_t new, int flags, char *to)
{
	return mremap(from, len_of(old), len_of(new), flags, to) == MAP_FAILED ?
	       errno : 0;
}

static void mremap_second_source(void)
{
	char *from = room(4), *to = room(4);

	anon_at(from, 2, OWNER);
	anon_at(page(from, 2), 2, OWNER);
	read_only(page(from, 2), 2);
	seal(page(from, 2), 2, 0);
	anon_at(to, 4, OWNER2);
	keep(from, 4, OWNER);
	keep(to, 4, OWNER2);

	step("mremap(MREMAP_FIXED) of two mappings, the second sealed",
	     remap(from, 4, 4, MREMAP_MAYMOVE | MREMAP_FIXED, to));
	look("a refused call moved the first mapping", from, 2, OWNER);
	look("and destroyed what was at its destination", to, 2, OWNER2);
}

static void mremap_second_destination(void)
{
	char *from = room(4), *to = room(4);

	anon_at(from, 2, OWNER);
	other_anon_at(page(from, 2), 2, OWNER);
	anon_at(to, 2, OWNER2);
	anon_at(page(to, 2), 2, OWNER2);
	read_only(page(to, 2), 2);
	seal(page(to, 2), 2, 0);
	keep(from, 4, OWNER);
	keep(to, 4, OWNER2);

	step("mremap(MREMAP_FIXED) of two mappings, the second onto a sealed one",
	     remap(from, 4, 4, MREMAP_MAYMOVE | MREMAP_FIXED, to));
	look("a refused call moved the first mapping", from, 2, OWNER);
	look("and destroyed what was at its destination", to, 2, OWNER2);
}

static void mremap_sealed_tail(void)
{
	char *from = room(4), *to = room(2);

	anon_at(from, 2, OWNER);
	anon_at(page(from, 2), 2, OWNER);
	read_only(page(from, 2), 2);
	seal(page(from, 2), 2, 0);
	anon_at(to, 2, OWNER2);
	keep(from, 4, OWNER);
	keep(to, 2, OWNER2);

	step("mremap(MREMAP_FIXED) that would cut off a sealed tail",
	     remap(from, 4, 1, MREMAP_MAYMOVE | MREMAP_FIXED, to));
	look("a refused call destroyed what was at its destination", to, 1, OWNER2);
}

/* A part of a huge page moves as a whole huge page, and overwrites as much. */
static void mremap_rounded_up(void)
{
	const size_t pages = huge_pages();
	char *huge = huge_room(pages), *from = page(huge, -2);
	char *target = huge_room(pages), *to = page(target, -2);

	map_huge(huge, pages, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1);
	memset(huge, OWNER, len_of(pages));
	anon_at(from, 2, OWNER);
	anon_at(to, 2, OWNER2);
	anon_at(page(target, 1), 1, OWNER2);
	seal(page(target, 1), 1, 0);
	keep(from, 2 + pages, OWNER);
	keep(to, 2, OWNER2);
	keep(page(target, 1), 1, OWNER2);

	step("mremap(MREMAP_FIXED) of two mappings, the second a part of a huge page",
	     remap(from, 3, 3, MREMAP_MAYMOVE | MREMAP_FIXED, to));
	look("a refused call moved the first mapping", from, 2, OWNER);
	look("and destroyed what was at its destination", to, 2, OWNER2);
}

/*
 * A program that wants to move or unmap the mapping later can seal only its
 * contents. A kernel without MSEAL_DISCARD has no seal for that.
 */
static void mremap_dontunmap(void)
{
	char *at = anon(2, OWNER);
	int err;

	read_only(at, 2);
	err = sys_mseal(at, len_of(2), MSEAL_DISCARD);
	if (err == EINVAL) {
		note("this kernel has no seal that lets a mapping move: not sealed");
		err = 0;
	}
	errno = err;
	need(!err, "mseal");
	keep(at, 2, OWNER);

	step("mremap(MREMAP_DONTUNMAP)",
	     remap(at, 2, 2, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL));
	look("read-only memory, emptied in its place", at, 2, OWNER);
}

/* System V shared memory */

static char *attach(size_t pages)
{
	char *at;
	int id;

	id = shmget(IPC_PRIVATE, len_of(pages), IPC_CREAT | 0600);
	if (id < 0 && is_missing(errno))
		skip("the kernel has no System V shared memory");
	need(id >= 0, "shmget");
	at = shmat(id, room(pages), SHM_REMAP);
	shmctl(id, IPC_RMID, NULL);
	need(at != (char *)-1, "shmat");
	memset(at, OWNER, len_of(pages));
	return at;
}

static void shmdt_lies(void)
{
	char *at = attach(2);
	int err;

	seal(at, 2, 0);
	keep(at, 2, OWNER);

	err = step("shmdt", shmdt(at) ? errno : 0);
	if (!err && byte_of_page(at) == OWNER)
		got("a shmdt() that reports success, with the segment still there");
}

static void shmdt_partial(void)
{
	char *at = attach(6);

	seal(page(at, 2), 2, 0);
	keep(at, 6, OWNER);

	step("shmdt", shmdt(at) ? errno : 0);
	look("the parts around the sealed one are detached", at, 6, OWNER);
}

/* mseal() itself fails in the middle */

static void write_map_limit(unsigned long limit)
{
	char text[32];
	int fd, len;

	fd = open(max_map_count, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		skip("vm.max_map_count can be set by root only");
	len = snprintf(text, sizeof(text), "%lu", limit);
	need(write(fd, text, len) == len, "writing vm.max_map_count");
	close(fd);
}

static unsigned long read_map_limit(void)
{
	char text[32] = "";
	int fd;

	fd = open(max_map_count, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	return strtoul(text, NULL, 10);
}

/* As the kernel counts them: the gate page belongs to no process. */
static unsigned long all_vmas(void)
{
	unsigned long nr = nr_vmas(NULL, (size_t)-1UL / page_size);

	if (strstr(read_proc("/proc/self/smaps"), "[vsyscall]"))
		nr--;
	return nr;
}

static void look_for_seals(const char *at, size_t pages)
{
	static struct vma vmas[MAX_VMAS];
	int nr = read_vmas(at, page(at, pages), vmas, MAX_VMAS);

	for (int i = 0; i < nr && i < MAX_VMAS; i++)
		if (vmas[i].codes[0])
			got("a mseal() that failed sealed %lu pages for good (%s)",
			    (vmas[i].end - vmas[i].start) / page_size,
			    vmas[i].codes);
}

static void mseal_at_map_limit(void)
{
	const unsigned long limit = read_map_limit();
	char *at = room(8);
	int err;

	anon_at(at, 4, OWNER);
	other_anon_at(page(at, 4), 4, OWNER);
	keep(at, 8, OWNER);

	/* The split at the start fits, the one at the end does not. */
	*map_limit_changed = true;
	write_map_limit(all_vmas() + 1);
	err = sys_mseal(page(at, 2), len_of(4), 0);
	write_map_limit(limit);
	*map_limit_changed = false;

	want = ENOMEM;
	step("mseal at vm.max_map_count", err);
	look_for_seals(at, 8);
}

static void mseal_in_huge_page(void)
{
	const size_t pages = huge_pages();
	char *huge, *at;

	huge = map_huge(huge_room(pages), pages,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1);
	at = anon_at(page(huge, -2), 2, OWNER);
	keep(at, 2 + pages, ANY);
	keep(at, 2, OWNER);

	want = EINVAL;
	step("mseal that ends within a huge page", sys_mseal(at, len_of(3), 0));
	look_for_seals(at, 2 + pages);
}

static const struct attack {
	const char *name;
	void (*run)(void);
} attacks[] = {
	{ "armed: MADV_DONTNEED from before the seal", armed_dontneed },
	{ "armed: MADV_FREE from before the seal", armed_free },
	{ "armed: MADV_DONTNEED, the mapping replaced by a sealed one",
	  armed_at_another_mapping },
	{ "armed: MADV_REMOVE from before the seal", armed_remove },
	{ "armed: MADV_REMOVE, the mapping moved and sealed there", armed_remove_moved },
	{ "armed: MADV_REMOVE, moved and another file in its place",
	  armed_remove_other_file },
	{ "armed: MADV_REMOVE, moved and other pages in its place",
	  armed_remove_other_pages },
	{ "armed: ftruncate from before the seal", armed_truncate },
	{ "armed: MADV_DONTNEED from before the seal, read by another CPU",
	  stale_page_madvise },
	{ "armed: process_madvise from before the seal, read by another CPU",
	  stale_page_process_madvise },
	{ "armed: UFFDIO_COPY from before the seal", armed_copy },

	{ "fill: private memfd, MADV_DONTNEED and UFFDIO_COPY", fill_emptied_memfd },
	{ "fill: shared anonymous, MADV_REMOVE and UFFDIO_COPY",
	  fill_emptied_shared_anon },
	{ "fill: untouched anonymous, UFFDIO_COPY", fill_untouched_anon },
	{ "fill: UFFDIO_REGISTER after the seal", register_sealed },
	{ "fill: registered before the seal, UFFDIO_COPY", fill_monitored_copy },
	{ "fill: registered before the seal, UFFDIO_ZEROPAGE",
	  fill_monitored_zeropage },
	{ "fill: registered before the seal, UFFDIO_POISON", fill_monitored_poison },
	{ "fill: registered before the seal, UFFDIO_CONTINUE",
	  fill_monitored_continue },
	{ "key: UFFDIO_MOVE out of what the key denies to write",
	  move_out_despite_key },
	{ "key: UFFDIO_MOVE into what the key denies to write",
	  move_in_despite_key },
	{ "key: UFFDIO_COPY into what the key denies to write", copy_despite_key },
	{ "key: UFFDIO_COPY by another process with another key",
	  copy_by_another_process },

	{ "relro: MADV_DONTNEED", relro_dontneed },
	{ "relro: MADV_DONTNEED_LOCKED", relro_dontneed_locked },
	{ "relro: munlock and MADV_DONTNEED", relro_munlock },
	{ "relro: process_madvise", relro_process_madvise },
	{ "relro: io_uring", relro_io_uring },
	{ "relro: MADV_GUARD_INSTALL and MADV_GUARD_REMOVE", relro_guard },
	{ "relro: ftruncate", relro_truncate },

	{ "shared: anonymous, MADV_REMOVE", shared_anon_remove },
	{ "shared: memfd, MADV_REMOVE", shared_memfd_remove },
	{ "socket: TCP_ZEROCOPY_RECEIVE", zerocopy_receive },
	{ "hugetlb: anonymous, MADV_DONTNEED", huge_anon_dontneed },
	{ "hugetlb: private file, MADV_DONTNEED", huge_file_dontneed },
	{ "hugetlb: private file, ftruncate", huge_file_truncate },
	{ "hugetlb: private file, a hole in the file", huge_file_punch },
	{ "shadow stack: MADV_DONTNEED", shadow_stack_dontneed },
	{ "shadow stack: kernel warning", shadow_stack_warning },

	{ "guard: MADV_GUARD_REMOVE of a stack's guard page", guard_remove },
	{ "guard: MADV_GUARD_INSTALL on writable memory", guard_install_anon },
	{ "guard: MADV_GUARD_INSTALL on .text", guard_install_text },
	{ "free: MADV_FREE before the seal, MADV_PAGEOUT after", free_then_pageout },
	{ "free: the same with a transparent huge page", free_thp_then_pageout },

	{ "fork: MADV_DONTFORK of the vDSO", dontfork_vdso },
	{ "fork: MADV_DONTFORK of .text", dontfork_text },
	{ "fork: MADV_DONTFORK of what the key denies to write", dontfork_despite_key },
	{ "fork: MADV_KEEPONFORK", keeponfork },

	{ "partial: mprotect", mprotect_partial },
	{ "partial: pkey_mprotect", pkey_mprotect_partial },
	{ "partial: madvise", madvise_partial },
	{ "partial: process_madvise", process_madvise_partial },
	{ "partial: process_madvise, in an element it does not report",
	  process_madvise_hides },
	{ "partial: munmap leaves a split", munmap_split },
	{ "partial: mmap with MAP_FIXED leaves a split", mmap_split },
	{ "mremap: the second of two mappings is sealed", mremap_second_source },
	{ "mremap: the second destination is sealed", mremap_second_destination },
	{ "mremap: the tail to be cut off is sealed", mremap_sealed_tail },
	{ "mremap: behind the destination, in the same huge page, is sealed",
	  mremap_rounded_up },
	{ "mremap: MREMAP_DONTUNMAP", mremap_dontunmap },

	{ "shmdt: reports success", shmdt_lies },
	{ "shmdt: detaches a part", shmdt_partial },
	{ "mseal: fails in the middle at vm.max_map_count", mseal_at_map_limit },
	{ "mseal: fails in the middle within a huge page", mseal_in_huge_page },
};

static int attack_and_look(const void *arg)
{
	const struct attack *attack = arg;

	attack->run();
	return verdict();
}

static void run_attack(const struct attack *attack, unsigned long map_limit)
{
	int code;

	*map_limit_changed = false;
	ksft_print_msg("%s\n", attack->name);
	code = end_case(start_case(attack_and_look, attack));
	if (*map_limit_changed)
		write_map_limit(map_limit);
	report_case(attack->name, code);
}

static bool is_chosen(const struct attack *attack, char **words)
{
	if (!*words)
		return true;
	for (; *words; words++)
		if (strstr(attack->name, *words))
			return true;
	return false;
}

int main(int __always_unused argc, char **argv)
{
	const unsigned long map_limit = read_map_limit();
	unsigned int plan = 0;

	page_size = sysconf(_SC_PAGESIZE);
	argv++;
	if (*argv && !strcmp(*argv, "--pristine")) {
		pristine = true;
		argv++;
	}

	ksft_print_header();
	map_limit_changed = init_cases(sizeof(*map_limit_changed));
	if (sys_mseal(NULL, 0, 0))
		ksft_exit_fail_msg("this kernel has no mseal()\n");

	for (size_t i = 0; i < ARRAY_SIZE(attacks); i++)
		plan += is_chosen(&attacks[i], argv);
	if (!plan)
		ksft_exit_fail_msg("no case has such a name\n");
	ksft_set_plan(plan);
	for (size_t i = 0; i < ARRAY_SIZE(attacks); i++)
		if (is_chosen(&attacks[i], argv))
			run_attack(&attacks[i], map_limit);
	ksft_finished();
}
