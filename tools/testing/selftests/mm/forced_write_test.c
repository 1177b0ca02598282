// SPDX-License-Identifier: GPL-2.0-only
/*
 * Forced writes: every access path to memory whose own mapping does not permit
 * the write, or that is sealed.
 *
 * A case is a process of its own. It makes a mapping, writes to it by one of the
 * access paths, and looks at the memory before and after, whatever the call
 * returned. For "other" the memory belongs to a child, which looks at it. Without
 * options all writes must land, as on a kernel without a policy.
 *
 * A write is refused if the caller gets the documented error *and* nothing has
 * changed. It has landed if the call succeeded *and* the memory is what the
 * writer wanted.
 *
 * The seals are chosen so that MSEAL_DISCARD, which refuses some of these writes
 * under any policy, does not interfere.
 */

#include "kselftest.h"

#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <linux/perf_event.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>

#include "mseal_attr.h"
#include "mseal_case.h"

#define WORD_SIZE	8
#define NO_SEAL		(~0UL)
#define RACE_PAGES	256
#define RACE_ROUNDS	20
#define LATE_WRITES	20

/* Origins of a forced write, by their names in the kernel's log. */
enum origin {
	PROC_MEM,
	PTRACE,
	PROCESS_VM,
	UPROBE,
	UFFD_REGISTER,
	UFFD_COPY,
	UFFD_ZEROPAGE,
	UFFD_CONTINUE,
	UFFD_POISON,
	UFFD_MOVE_FROM,
	UFFD_MOVE_TO,
	NR_ORIGINS
};

static const struct {
	const char *name;
	int refused;		/* the error of a refusal */
} origins[NR_ORIGINS] = {
	[PROC_MEM]	 = { "proc-mem", EIO },
	[PTRACE]	 = { "ptrace", EIO },
	[PROCESS_VM]	 = { "process-vm", EPERM },
	/* The mapping is left out, and the registration succeeds. */
	[UPROBE]	 = { "uprobe", 0 },
	[UFFD_REGISTER]	 = { "uffd-register", EPERM },
	[UFFD_COPY]	 = { "uffd-copy", EPERM },
	[UFFD_ZEROPAGE]	 = { "uffd-zeropage", EPERM },
	[UFFD_CONTINUE]	 = { "uffd-continue", EPERM },
	[UFFD_POISON]	 = { "uffd-poison", EPERM },
	[UFFD_MOVE_FROM] = { "uffd-move-from", EPERM },
	[UFFD_MOVE_TO]	 = { "uffd-move-to", EPERM },
};

#define ALL_ORIGINS	((1U << NR_ORIGINS) - 1)

/* Classes of memory between which a policy may distinguish */
enum class {
	SEALED,
	READONLY,	/* not sealed, not writable */
	TEXT,		/* the same, and executable */
	WRITABLE,	/* not sealed, writable: never checked */
	NR_CLASSES
};

static const char * const class_names[NR_CLASSES] = {
	"sealed", "readonly", "text", "writable",
};

enum whose {
	OWN,
	OTHER,
};

/* What can be seen of the memory: the byte that it holds, or another state. */
enum {
	OWNER = 0x11,
	THE_FILE = 0x33,
	NOP = 0x90,
	RET = 0xc3,
	BREAKPOINT = 0xcc,
	ATTACKER = 0x66,
	ZERO = 0x00,
	HOLE = 0x100,		/* nothing in the page table */
	MARKED,			/* an entry, but no page */
	MAPPED,			/* a page, whatever it holds */
	UNMONITORED,
	MONITORED,		/* by a userfaultfd */
	TRAPPED,		/* a breakpoint was hit and removed */
	MIXED,
	UNREADABLE,
};

/* The memory that is written to */
enum mem {
	ANON,
	TEXT_FILE,		/* private, of instructions */
	PRIVATE_FILE,
	SHARED_FILE,
	THP,
	HUGETLB,
	LOW_ANON,		/* where 32-bit pointers reach */
	KEYED,			/* a protection key denies writing */
	DEV_MEM,		/* no pages: written by vm_ops->access */
};

/* Circumstances of a case */
#define TRACER		0x01	/* the writer has attached to the target */
#define SHARED_MM	0x02	/* a process with the same mm writes */
#define UNTOUCHED	0x04	/* leave a hole */
#define MONITOR		0x08	/* by a userfaultfd, from before the seal */
#define MONITOR_WP	0x10
#define MONITOR_MINOR	0x20
#define NOT_ON_UML	0x40
#define PRIVILEGED	0x80	/* takes CAP_SYS_ADMIN, whatever the policy */
#define ALWAYS		0x100	/* the policy does not matter */
#define RACE		0x200
#define SEALS_ITSELF	0x400
#define MONITOR_RWP	0x800

struct way {
	enum origin origin;
	enum whose whose;
	const char *name;
	enum mem mem;
	int prot;
	unsigned long seal;
	unsigned int flags;
	int want_err;			/* with ALWAYS */
	int wanted;
	int (*look)(void);		/* in the target */
	void (*prepare)(void);		/* in the target, before the seal */
	void (*arm)(void);		/* in the writer, opens what it needs */
	int (*write)(void);		/* in the writer; an error number */
	void (*release)(void);		/* in the writer */
	void (*serve)(void);		/* in the target, when all is written */
};

static unsigned long page_size;
static const struct way *way;

static struct {
	unsigned int refused[NR_CLASSES];	/* masks of origins */
	unsigned int only;
	bool own, other;
	bool races_only, yama, quick;
	bool writer_userns, in_userns, no_cap;
	long uid;
	const char *attr_current;
	const char *label;
} opt = {
	.only = ALL_ORIGINS,
	.own = true,
	.other = true,
	.uid = -1,
	.label = "",
};

/* Shared by the writer, the target and the process that reports. */
static struct {
	char *at;			/* where the write goes */
	char *from;			/* the source, if a page is moved to at */
	size_t len;			/* of at */
	pid_t target, tracee;
	int uffd, file;			/* in the table that both share */
	int before, after;
	int err;
	bool trapped, served;

	/* A race */
	atomic_uint round;		/* whose memory is ready */
	atomic_uint acked;
	atomic_uint writes;
	atomic_bool sealed, stop;
	unsigned int late_landed, late_refused;
	unsigned int rounds_changed;
	int bad_err;
} *shared;

/* Output */

static const char *state_name(int state)
{
	static const char * const names[] = {
		[HOLE - HOLE] = "a hole",
		[MARKED - HOLE] = "a mark",
		[MAPPED - HOLE] = "a page",
		[UNMONITORED - HOLE] = "no monitor",
		[MONITORED - HOLE] = "a monitor",
		[TRAPPED - HOLE] = "a trap hit",
		[MIXED - HOLE] = "a mixture",
		[UNREADABLE - HOLE] = "no access",
	};
	static char bufs[4][8];
	static unsigned int nr;
	char *buf = bufs[nr++ % 4];

	if (state >= HOLE)
		return names[state - HOLE];
	snprintf(buf, sizeof(bufs[0]), "0x%02x", state);
	return buf;
}

/* Zero is no error; a negative number means that only a part was written. */
static const char *err_name(int err)
{
	return err < 0 ? "a part only" : errno_name(err);
}

static int err_of(ssize_t ret, size_t len)
{
	if (ret < 0)
		return errno;
	return ret == (ssize_t)len ? 0 : -1;
}

static bool on_uml(void)
{
	return strstr(read_proc("/proc/cpuinfo"), "User Mode Linux");
}

/* Making memory */

static char *room(size_t len)
{
	char *at;

	/* Nothing is near it to merge with. */
	at = mmap(NULL, len + 2 * page_size, PROT_NONE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	need(at != MAP_FAILED, "a place for a mapping");
	return at + page_size;
}

static char *aligned_room(size_t len)
{
	return (char *)(((unsigned long)room(2 * len) + len - 1) & ~(len - 1));
}

static char *map_at(char *at, size_t len, int flags, int fd)
{
	need(mmap(at, len, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0) == at,
	     "mmap");
	return at;
}

static char *anon(size_t len, int byte)
{
	char *at = map_at(room(len), len, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	memset(at, byte, len);
	return at;
}

static int new_file(size_t len, int byte)
{
	char *at;
	int fd;

	fd = memfd_create("victim", MFD_CLOEXEC);
	need(fd >= 0, "memfd_create");
	need(!ftruncate(fd, len), "ftruncate");
	at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	need(at != MAP_FAILED, "mmap of a file");
	memset(at, byte, len);
	munmap(at, len);
	return fd;
}

/* A page of no-ops with a return at the end */
static int new_text_file(void)
{
	const int fd = new_file(page_size, NOP);
	const char ret = RET;

	need(pwrite(fd, &ret, 1, page_size - 1) == 1, "writing to a file");
	return fd;
}

static size_t huge_page_size(void)
{
	const char *line = strstr(read_proc("/proc/meminfo"), "Hugepagesize:");
	size_t kb = 0;

	if (!line || sscanf(line, "Hugepagesize: %zu", &kb) != 1 || !kb)
		skip("the kernel has no hugetlb");
	return kb * 1024;
}

static char *huge_at(size_t len)
{
	char *at = aligned_room(len);

	if (mmap(at, len, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_FIXED, -1, 0) != at)
		skip("too few huge pages in vm.nr_hugepages");
	return at;
}

static char *transparent_huge_at(size_t *len)
{
	char text[32] = "";
	char *at;
	int fd;

	fd = open("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size",
		  O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		skip("the kernel has no transparent huge pages");
	need(read(fd, text, sizeof(text) - 1) > 0, "the size of a huge page");
	close(fd);
	*len = strtoul(text, NULL, 10);
	at = map_at(aligned_room(*len), *len, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	need(!madvise(at, *len, MADV_HUGEPAGE), "MADV_HUGEPAGE");
	return at;
}

/* The page where the BIOS keeps its data: RAM, but reserved to the kernel. */
static char *dev_mem_at(void)
{
	const unsigned long page = 0x9f000;
	unsigned long start, end;
	bool reserved = false;
	char *line, *at;
	int fd;

	fd = open("/dev/mem", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		skip("/dev/mem: %s, and there is no other mapping with ->access here",
		     errno_name(errno));
	for (line = read_proc("/proc/iomem"); line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (sscanf(line, "%lx-%lx", &start, &end) == 2 &&
		    start > page && start < page + page_size / 2 + 0x800 &&
		    end == page + page_size - 1 && strstr(line, "Reserved"))
			reserved = true;
	}
	if (!reserved)
		skip("there is no reserved memory at 0x%lx to write to", page);
	at = room(page_size);
	if (mmap(at, page_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
		 page) != at)
		skip("/dev/mem cannot be mapped: %s", errno_name(errno));
	close(fd);
	memset(at + page_size - 2 * WORD_SIZE, OWNER, WORD_SIZE);
	shared->at = at + page_size - 2 * WORD_SIZE;
	return at;
}

static char *make_memory(void)
{
	const bool touch = !(way->flags & UNTOUCHED);
	int byte = OWNER;
	char *at;

	shared->len = page_size;
	shared->at = NULL;
	switch (way->mem) {
	case ANON:
	case KEYED:
	default:
		at = map_at(room(page_size), page_size, MAP_PRIVATE | MAP_ANONYMOUS, -1);
		break;
	case LOW_ANON:
		at = mmap((void *)0x20000000UL, page_size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		need(at == (char *)0x20000000UL, "a place below 4 GiB");
		break;
	case TEXT_FILE:
		shared->file = new_text_file();
		at = map_at(room(page_size), page_size, MAP_PRIVATE, shared->file);
		byte = -1;
		break;
	case PRIVATE_FILE:
		shared->file = new_file(page_size, THE_FILE);
		at = map_at(room(page_size), page_size, MAP_PRIVATE, shared->file);
		break;
	case SHARED_FILE:
		shared->file = new_file(page_size, THE_FILE);
		at = map_at(room(page_size), page_size, MAP_SHARED, shared->file);
		break;
	case THP:
		at = transparent_huge_at(&shared->len);
		break;
	case HUGETLB:
		shared->len = huge_page_size();
		at = huge_at(shared->len);
		break;
	case DEV_MEM:
		at = dev_mem_at();
		byte = -1;
		break;
	}
	if (touch && byte >= 0)
		memset(at, byte, shared->len);
	if (!shared->at)
		shared->at = at;
	return at;
}

/* userfaultfd */

static uint64_t monitor_mode(void)
{
	if (way->flags & MONITOR_WP)
		return UFFDIO_REGISTER_MODE_WP;
	if (way->flags & MONITOR_RWP)
		return UFFDIO_REGISTER_MODE_RWP;
	if (way->flags & MONITOR_MINOR)
		return UFFDIO_REGISTER_MODE_MINOR;
	return UFFDIO_REGISTER_MODE_MISSING;
}

static int uffd_for_case(void)
{
	if (way->origin == UFFD_POISON)
		return new_uffd(UFFD_FEATURE_POISON, "poison");
	if (way->origin == UFFD_MOVE_FROM || way->origin == UFFD_MOVE_TO)
		return new_uffd(UFFD_FEATURE_MOVE, "move");
	if (way->flags & MONITOR_WP)
		return new_uffd(UFFD_FEATURE_PAGEFAULT_FLAG_WP, "write protection");
	if (way->flags & MONITOR_RWP)
		return new_uffd(UFFD_FEATURE_RWP, "read-write protection");
	if (way->flags & MONITOR_MINOR)
		return new_uffd(UFFD_FEATURE_MINOR_SHMEM, "minor faults");
	return new_uffd(0, "");
}

/* Looking, in the target */

static int byte_at(const char *at, size_t len)
{
	const struct peeked p = peek(at);
	uint64_t word = p.word;

	if (p.err)
		return UNREADABLE;
	if (len < sizeof(word))
		word = (word & 0xff) * 0x0101010101010101ULL;
	return word == (word & 0xff) * 0x0101010101010101ULL ? (int)(word & 0xff) :
							       MIXED;
}

static int look_at_word(void)
{
	return byte_at(shared->at, WORD_SIZE);
}

static int look_at_byte(void)
{
	return byte_at(shared->at, 1);
}

/* Entries of the page table; reading pagemap does not change them. */
static void read_entries(const char *at, uint64_t *entries, size_t nr)
{
	const ssize_t len = nr * sizeof(*entries);
	int fd;

	fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	need(fd >= 0, "/proc/self/pagemap");
	need(pread(fd, entries, len, (unsigned long)at / page_size * sizeof(*entries)) == len,
	     "/proc/self/pagemap");
	close(fd);
}

/* By the bits for a page, and for swap or another marker */
static int state_of_entry(uint64_t entry)
{
	if (entry >> 63)
		return MAPPED;
	return entry >> 62 ? MARKED : HOLE;
}

static int look_at_entry(const char *at)
{
	uint64_t entry;

	read_entries(at, &entry, 1);
	return state_of_entry(entry);
}

static int look_for_page(void)
{
	return look_at_entry(shared->at);
}

/* Reading a hole would fill it, and UML panics at a marker: read pages only. */
static int look_at_hole(void)
{
	const int entry = look_at_entry(shared->at);

	return entry == MAPPED ? byte_at(shared->at, WORD_SIZE) : entry;
}

/* The place from where the page was moved */
static int look_at_source(void)
{
	const int entry = look_at_entry(shared->from);

	return entry == MAPPED ? byte_at(shared->from, WORD_SIZE) : entry;
}

static int look_for_monitor(void)
{
	struct vma vmas[4];
	int nr;

	nr = read_vmas(shared->at, shared->at + shared->len, vmas, ARRAY_SIZE(vmas));
	for (int i = 0; i < nr && i < (int)ARRAY_SIZE(vmas); i++)
		if (vma_has_flag(&vmas[i], "um") || vma_has_flag(&vmas[i], "uw") ||
		    vma_has_flag(&vmas[i], "ur") || vma_has_flag(&vmas[i], "ui"))
			return MONITORED;
	return UNMONITORED;
}

static int look_at_trap(void)
{
	const int byte = byte_at(shared->at, 1);

	return byte == NOP && shared->trapped && shared->served ? TRAPPED : byte;
}

/* The writer's privileges and descriptors */

static void write_file(const char *path, const char *text)
{
	need(!write_proc(path, text), path);
}

static void become_writer(void)
{
	if (opt.writer_userns && way->flags & PRIVILEGED)
		skip("it takes privilege outside the writer's user namespace");
	if (opt.writer_userns && way->origin == PROCESS_VM && way->whose == OTHER)
		skip("each call checks access, which fails from another user namespace");
	if (opt.writer_userns && !(way->flags & SHARED_MM))
		need(!unshare(CLONE_NEWUSER), "unshare(CLONE_NEWUSER)");
	if (opt.attr_current) {
		if (way->flags & SHARED_MM)
			skip("a process that shares its memory cannot change its domain");
		if (way->flags & SEALS_ITSELF)
			skip("the writer seals, which its domain may not be permitted");
		write_file("/proc/self/attr/current", opt.attr_current);
	}
}

static int mem_fd = -1;

static void open_mem(void)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/mem", shared->target);
	mem_fd = open(path, O_RDWR | O_CLOEXEC);
	need(mem_fd >= 0, "/proc/PID/mem");
}

/* Pipes, because the kernel may have no sockets. */
static int to_target[2], to_writer[2];
static bool target_told;

/* Let the target continue, once. */
static void tell_target(void)
{
	if (!target_told)
		need(write(to_target[1], "", 1) == 1, "write");
	target_told = true;
}

static void wait_for_target(void)
{
	char byte;

	need(read(to_writer[0], &byte, 1) == 1, "read");
}

static int socks[2] = { -1, -1 };

/*
 * The target opens its own memory and passes the descriptor to the writer; if
 * there are no sockets, by the table of descriptors that both share.
 */
static void send_mem(void)
{
	char space[CMSG_SPACE(sizeof(int))] = "", byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = space,
		.msg_controllen = sizeof(space),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	int fd;

	fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	need(fd >= 0, "/proc/self/mem");
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	if (socks[1] < 0) {
		shared->file = fd;
		return;
	}
	need(sendmsg(socks[1], &msg, 0) == 1, "sendmsg");
	close(fd);
}

static void receive_mem(void)
{
	char space[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = space,
		.msg_controllen = sizeof(space),
	};
	struct cmsghdr *cmsg;

	if (socks[0] < 0) {
		note("passed on by the shared table of descriptors");
		mem_fd = shared->file;
		return;
	}
	need(recvmsg(socks[0], &msg, 0) == 1, "recvmsg");
	cmsg = CMSG_FIRSTHDR(&msg);
	need(cmsg && cmsg->cmsg_type == SCM_RIGHTS, "a descriptor");
	memcpy(&mem_fd, CMSG_DATA(cmsg), sizeof(mem_fd));
}

static pid_t tracee(void)
{
	return shared->tracee ? shared->tracee : shared->target;
}

/* Attach and stop it. */
static void trace(void)
{
	int status;

	need(!ptrace(PTRACE_SEIZE, tracee(), 0, 0), "PTRACE_SEIZE");
	need(!ptrace(PTRACE_INTERRUPT, tracee(), 0, 0), "PTRACE_INTERRUPT");
	need(waitpid(tracee(), &status, __WALL) == tracee() && WIFSTOPPED(status),
	     "a tracee that stops");
}

static void detach(void)
{
	need(!ptrace(PTRACE_DETACH, tracee(), 0, 0), "PTRACE_DETACH");
}

static void trace_and_open_mem(void)
{
	trace();
	open_mem();
}

static int wait_for_ever(void __always_unused *arg)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
	return 0;
}

/* Trace another child, not the target. */
static void trace_another_and_open_mem(void)
{
	const pid_t pid = fork();

	need(pid >= 0, "fork");
	if (!pid)
		_exit(wait_for_ever(NULL));
	shared->tracee = pid;
	trace_and_open_mem();
}

/* Trace a child with the same mm: the process traces its own memory. */
static void trace_own_mm(void)
{
	const size_t len = 16 * page_size;
	pid_t pid;

	if (opt.writer_userns)
		skip("a process that shares its memory cannot enter a user namespace");
	if (opt.attr_current)
		skip("a process that shares its memory cannot change its domain");
	pid = clone(wait_for_ever, anon(len, 0) + len, CLONE_VM | SIGCHLD, NULL);
	need(pid > 0, "clone(CLONE_VM)");
	shared->tracee = pid;
	trace();
}

static void trace_own_mm_and_open_mem(void)
{
	trace_own_mm();
	open_mem();
}

static void kill_tracee(void)
{
	kill(tracee(), SIGKILL);
	need(waitpid(tracee(), NULL, __WALL) == tracee(), "waitpid");
}

/* Writing */

static uint64_t attack_word = 0x0101010101010101ULL * ATTACKER;

static int write_mem(void)
{
	return err_of(pwrite(mem_fd, &attack_word, WORD_SIZE, (off_t)shared->at),
		      WORD_SIZE);
}

static void *write_mem_thread(void *arg)
{
	*(int *)arg = write_mem();
	return NULL;
}

/* From a thread that traces nothing, whatever other threads of the process do. */
static int write_mem_by_thread(void)
{
	pthread_t thread;
	int err = 0;

	errno = pthread_create(&thread, NULL, write_mem_thread, &err);
	need(!errno, "pthread_create");
	errno = pthread_join(thread, NULL);
	need(!errno, "pthread_join");
	return err;
}

static int poke(long request)
{
	return ptrace(request, tracee(), shared->at, attack_word) ? errno : 0;
}

static int poke_text(void)
{
	return poke(PTRACE_POKETEXT);
}

static int poke_data(void)
{
	return poke(PTRACE_POKEDATA);
}

#ifdef __x86_64__
static long call_32bit(long nr, long b, long c, long d, long s)
{
	long ret;

	asm volatile("int $0x80" : "=a" (ret)
		     : "a" (nr), "b" (b), "c" (c), "d" (d), "S" (s)
		     : "memory", "r8", "r9", "r10", "r11");
	return (int)ret;
}

/* Can this program make the system calls of 32-bit programs? */
static bool have_32bit_calls(void)
{
	int status;
	pid_t pid;

	pid = fork();
	need(pid >= 0, "fork");
	if (!pid) {
		signal(SIGSEGV, SIG_DFL);
		_exit(call_32bit(20 /* getpid */, 0, 0, 0, 0) != getpid());
	}
	need(waitpid(pid, &status, 0) == pid, "waitpid");
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

static void trace_by_32bit(void)
{
	if (on_uml())
		skip("UML has no 32-bit system calls for 64-bit programs");
	if (!have_32bit_calls())
		skip("the kernel has no 32-bit system calls");
	trace();
}

/* A word is 4 bytes there. */
static int poke_32bit(void)
{
	for (int i = 0; i < WORD_SIZE; i += 4) {
		const long ret = call_32bit(26 /* ptrace */, PTRACE_POKEDATA, tracee(),
					    (long)shared->at + i, (int)attack_word);

		if (ret)
			return -ret;
	}
	return 0;
}

/* As a debugger does: insert it, wait, remove it, step back. */
static int insert_breakpoint(void)
{
	struct user_regs_struct regs;
	long word, with;
	int status;

	errno = 0;
	word = ptrace(PTRACE_PEEKTEXT, tracee(), shared->at, 0);
	need(!errno, "PTRACE_PEEKTEXT");
	with = (word & ~0xffL) | BREAKPOINT;
	if (ptrace(PTRACE_POKETEXT, tracee(), shared->at, with))
		return errno;
	need(ptrace(PTRACE_PEEKTEXT, tracee(), shared->at, 0) == with,
	     "a breakpoint where it was inserted");

	need(!ptrace(PTRACE_CONT, tracee(), 0, 0), "PTRACE_CONT");
	tell_target();
	need(waitpid(tracee(), &status, __WALL) == tracee(), "waitpid");
	need(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP, "a breakpoint that is hit");
	need(!ptrace(PTRACE_GETREGS, tracee(), 0, &regs), "PTRACE_GETREGS");
	need(regs.rip == (unsigned long)shared->at + 1, "the tracee at the breakpoint");
	if (ptrace(PTRACE_POKETEXT, tracee(), shared->at, word))
		return errno;
	regs.rip = (unsigned long)shared->at;
	need(!ptrace(PTRACE_SETREGS, tracee(), 0, &regs), "PTRACE_SETREGS");
	shared->trapped = true;
	return 0;
}
#else
static void trace_by_32bit(void)
{
	skip("there is no 32-bit system call for 64-bit programs here");
}

static int poke_32bit(void)
{
	return -1;
}

static int insert_breakpoint(void)
{
	skip("the breakpoint instruction of this machine is not known here");
}
#endif

static void run_text(void)
{
	((void (*)(void))shared->at)();
	shared->served = true;
}

static int write_process_vm(void)
{
	struct iovec local = { &attack_word, WORD_SIZE };
	struct iovec remote = { shared->at, WORD_SIZE };

	return err_of(process_vm_writev(shared->target, &local, 1, &remote, 1, 0),
		      WORD_SIZE);
}

/* Reading, into memory of the reader's own */

static void make_room(void)
{
	shared->from = anon(page_size, ZERO);
}

static int look_at_room(void)
{
	return byte_at(shared->from, WORD_SIZE);
}

static int read_mem(void)
{
	return err_of(pread(mem_fd, shared->from, WORD_SIZE, (off_t)shared->at),
		      WORD_SIZE);
}

static int read_process_vm(void)
{
	struct iovec local = { shared->from, WORD_SIZE };
	struct iovec remote = { shared->at, WORD_SIZE };

	return err_of(process_vm_readv(shared->target, &local, 1, &remote, 1, 0),
		      WORD_SIZE);
}

/* Unsealed writable memory lies before the sealed memory; both are written to. */

static void map_before(void)
{
	char *before = shared->at - page_size;

	map_at(before, page_size, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	need(!madvise(before, page_size, MADV_DONTDUMP), "MADV_DONTDUMP");
	memset(before, OWNER, page_size);
}

/* The bytes before are written and reported, which counts as an error here. */
static int after_partial(ssize_t ret)
{
	const struct peeked p = peek(shared->at - WORD_SIZE);

	if (ret == WORD_SIZE && p.word == attack_word) {
		note("%d bytes before the mapping were written, and reported", WORD_SIZE);
		return origins[way->origin].refused;
	}
	return err_of(ret, 2 * WORD_SIZE);
}

static int write_mem_across(void)
{
	const uint64_t words[2] = { attack_word, attack_word };

	return after_partial(pwrite(mem_fd, words, sizeof(words),
				    (off_t)(shared->at - WORD_SIZE)));
}

static int write_process_vm_across(void)
{
	uint64_t words[2] = { attack_word, attack_word };
	struct iovec local = { words, sizeof(words) };
	struct iovec remote = { shared->at - WORD_SIZE, sizeof(words) };

	return after_partial(process_vm_writev(shared->target, &local, 1, &remote, 1, 0));
}

static int write_process_vm_second(void)
{
	uint64_t words[2] = { attack_word, attack_word };
	struct iovec local = { words, sizeof(words) };
	struct iovec remote[2] = {
		{ shared->at - WORD_SIZE, WORD_SIZE },
		{ shared->at, WORD_SIZE },
	};

	return after_partial(process_vm_writev(shared->target, &local, 1, remote, 2, 0));
}

/* Uprobes, by perf */

static int open_probe(void)
{
	static const char pmu[] = "/sys/bus/event_source/devices/uprobe/type";
	struct perf_event_attr attr = { .size = sizeof(attr), .sample_period = 1 };
	char path[32], text[32] = "";
	int fd;

	fd = open(pmu, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		skip("the kernel has no uprobes");
	need(read(fd, text, sizeof(text) - 1) > 0, pmu);
	close(fd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", shared->file);
	attr.type = strtoul(text, NULL, 10);
	attr.config1 = (unsigned long)path;
	return syscall(__NR_perf_event_open, &attr, way->whose == OWN ? 0 : shared->target,
		       -1, -1, PERF_FLAG_FD_CLOEXEC);
}

/* The breakpoint exists as long as the event does. */
static int probe_fd = -1;

static int write_probe(void)
{
	probe_fd = open_probe();
	if (probe_fd < 0 && errno == EACCES)
		skip("uprobes are not for this user");
	return probe_fd < 0 ? errno : 0;
}

static bool is_refused(enum origin origin, enum class class)
{
	return opt.refused[class] & (1U << origin);
}

static void open_probe_before_seal(void)
{
	if (is_refused(UPROBE, TEXT))
		skip("the policy refuses the uprobe itself");
	need(!mprotect(shared->at, page_size, PROT_READ | PROT_EXEC), "mprotect");
	errno = write_probe();
	need(!errno, "a uprobe");
}

static int close_probe(void)
{
	close(probe_fd);
	return 0;
}

/* userfaultfd */

static int write_register(void)
{
	return uffd_register_mode(shared->uffd, shared->at, shared->len, monitor_mode());
}

static int write_copy(void)
{
	return uffd_copy(shared->uffd, shared->at, anon(shared->len, ATTACKER), shared->len);
}

/* Discard the contents: flags == 0 does not keep those of a private file. */
static int write_emptied(void)
{
	need(!madvise(shared->at, shared->len, MADV_DONTNEED), "MADV_DONTNEED");
	shared->before = way->look();
	return write_copy();
}

static int write_zeropage(void)
{
	return uffd_zeropage(shared->uffd, shared->at, shared->len);
}

static int write_continue(void)
{
	return uffd_continue(shared->uffd, shared->at, shared->len);
}

static int write_poison(void)
{
	return uffd_poison(shared->uffd, shared->at, shared->len);
}

/* Map an unsealed destination; the sealed mapping becomes the source. */
static void make_destination(void)
{
	shared->from = shared->at;
	shared->at = map_at(room(page_size), page_size, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	need(!uffd_register_mode(shared->uffd, shared->at, page_size,
				 UFFDIO_REGISTER_MODE_MISSING), "UFFDIO_REGISTER");
}

/* Map an unsealed source; the sealed mapping is the destination. */
static void make_source(void)
{
	shared->from = anon(page_size, ATTACKER);
}

static int write_move(void)
{
	return uffd_move(shared->uffd, shared->at, shared->from, page_size);
}

/*
 * A fill that was permitted and waits for its source while the memory is sealed.
 * The wait is a page fault in the kernel, and it takes privilege to answer that.
 */
struct slow_copy {
	char *from;
	int err;
};

static void *copy_slowly(void *arg)
{
	struct slow_copy *copy = arg;

	copy->err = uffd_copy(shared->uffd, shared->at, copy->from, page_size);
	return NULL;
}

static int write_copy_over_seal(void)
{
	const int source = open_uffd(0, 0, "");
	struct slow_copy copy = {
		.from = map_at(room(page_size), page_size,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1),
	};
	struct pollfd pfd = { .fd = source, .events = POLLIN };
	pthread_t thread;

	need(!uffd_register_mode(source, copy.from, page_size, UFFDIO_REGISTER_MODE_MISSING),
	     "UFFDIO_REGISTER");
	errno = pthread_create(&thread, NULL, copy_slowly, &copy);
	need(!errno, "pthread_create");
	need(poll(&pfd, 1, EVENT_TIMEOUT) == 1 && pfd.revents == POLLIN,
	     "a fill that waits for its source");
	need(!mprotect(shared->at, page_size, PROT_READ), "mprotect");
	seal_range(shared->at, page_size, 0);
	need(!uffd_copy(source, copy.from, anon(page_size, ATTACKER), page_size),
	     "the source of the fill");
	errno = pthread_join(thread, NULL);
	need(!errno, "pthread_join");
	close(source);
	return copy.err;
}

/*
 * Races: a writer that never stops, and a target that seals. If the policy
 * refuses the writes, the contents must not change once mseal() has returned. If
 * it permits them, they must change, or there was no race.
 */

static void raise_to(atomic_uint *counter, unsigned int value)
{
	atomic_store(counter, value);
	syscall(SYS_futex, counter, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* A loop that yields would take a time slice of a busy host in each turn. */
static void wait_a_while(atomic_uint *counter, unsigned int seen)
{
	const struct timespec while_ = { .tv_nsec = 100 * 1000 * 1000 };

	syscall(SYS_futex, counter, FUTEX_WAIT, seen, &while_, NULL, 0);
}

static void wait_until(atomic_uint *counter, unsigned int value)
{
	unsigned int seen;

	while ((seen = atomic_load(counter)) < value)
		wait_a_while(counter, seen);
}

/*
 * Put the two of a race on a CPU each, so that they run at the same time from the
 * start: the scheduler takes a while to spread them. -1: on any CPU again.
 */
static void stay_on_cpu(int nr)
{
	static cpu_set_t all;
	cpu_set_t set;

	if (!CPU_COUNT(&all))
		need(!sched_getaffinity(0, sizeof(all), &all), "sched_getaffinity");
	set = all;
	for (int cpu = 0; nr >= 0 && CPU_COUNT(&all) > 1 && cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all) && nr-- == 0) {
			CPU_ZERO(&set);
			CPU_SET(cpu, &set);
		}
	need(!sched_setaffinity(0, sizeof(set), &set), "sched_setaffinity");
}

static bool fills_holes(void)
{
	return way->origin == UFFD_COPY;
}

static uint64_t race_value(char *at)
{
	uint64_t filled = 0, entries[RACE_PAGES];

	if (!fills_holes())
		return peek(at).word;
	read_entries(at, entries, RACE_PAGES);
	for (size_t i = 0; i < RACE_PAGES; i++)
		filled += state_of_entry(entries[i]) != HOLE;
	return filled;
}

static void race_round(unsigned int round)
{
	const size_t len = fills_holes() ? RACE_PAGES * page_size : page_size;
	char *at = map_at(room(len), len, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	unsigned int writes;
	uint64_t value;

	if (fills_holes())
		need(!uffd_register_mode(shared->uffd, at, len, UFFDIO_REGISTER_MODE_MISSING),
		     "UFFDIO_REGISTER");
	else
		memset(at, OWNER, len);
	need(!mprotect(at, len, way->prot), "mprotect");

	shared->at = at;
	atomic_store(&shared->sealed, false);
	atomic_store(&shared->stop, false);
	atomic_store(&shared->writes, 0);
	raise_to(&shared->round, round);
	wait_until(&shared->writes, 3);
	seal_range(at, len, 0);
	value = race_value(at);
	atomic_store(&shared->sealed, true);
	writes = atomic_load(&shared->writes);
	wait_until(&shared->writes, writes + 2 + LATE_WRITES);
	atomic_store(&shared->stop, true);
	wait_until(&shared->acked, round);
	if (race_value(at) != value)
		shared->rounds_changed++;
}

static void race_target(void)
{
	stay_on_cpu(1);
	for (unsigned int round = 1; round <= RACE_ROUNDS; round++)
		race_round(round);
}

/* Count one call. late: it began after mseal() had returned. */
static void race_count(bool late, int err)
{
	if (err == origins[way->origin].refused) {
		if (late)
			shared->late_refused++;
	} else if (err) {
		shared->bad_err = err;
	} else if (late) {
		shared->late_landed++;
	}
}

/* Only the writer counts. */
static void count_write(void)
{
	raise_to(&shared->writes, atomic_load(&shared->writes) + 1);
}

static int race_call(unsigned int page, char *source)
{
	switch (way->origin) {
	case PTRACE:
		return poke_data();
	case PROCESS_VM:
		return write_process_vm();
	case UFFD_COPY:
		return uffd_copy(shared->uffd, shared->at + page * page_size, source,
				 page_size);
	default:
		return write_mem();
	}
}

/* Write until told to stop. Returns the value before the first late call. */
static uint64_t race_loop(char *source, bool own)
{
	unsigned int page = 0;
	uint64_t value = 0;
	bool late, seen = false;
	int err;

	while (!atomic_load(&shared->stop)) {
		late = atomic_load(&shared->sealed);
		if (late && !seen && own)
			value = race_value(shared->at);
		seen |= late;
		if (fills_holes() && page == (late ? RACE_PAGES : RACE_PAGES / 2)) {
			/* Half of the pages are left for late calls. */
			if (late)
				count_write();
			sched_yield();
			continue;
		}
		attack_word++;
		err = race_call(page, source);
		if (err == EAGAIN)
			continue;
		page += !err;
		race_count(late, err);
		count_write();
	}
	return value;
}

static int race_write(void)
{
	char *source = anon(page_size, ATTACKER);

	stay_on_cpu(0);
	for (unsigned int round = 1; round <= RACE_ROUNDS; round++) {
		wait_until(&shared->round, round);
		race_loop(source, false);
		raise_to(&shared->acked, round);
	}
	return shared->late_refused ? origins[way->origin].refused : 0;
}

static void *sit(void *arg)
{
	shared->tracee = syscall(SYS_gettid);
	need(write(*(int *)arg, "", 1) == 1, "write");
	return (void *)(long)wait_for_ever(NULL);
}

/* A thread that is traced, and so stopped, while another one seals. */
static void make_sitter(void)
{
	static int fds[2];
	pthread_t thread;
	char byte;

	need(!pipe(fds), "pipe");
	errno = pthread_create(&thread, NULL, sit, &fds[1]);
	need(!errno, "pthread_create");
	need(read(fds[0], &byte, 1) == 1, "a thread");
}

/* All cases */

#define RO	PROT_READ
#define RX	(PROT_READ | PROT_EXEC)
#define RW	(PROT_READ | PROT_WRITE)

#define WORD_BY(call)	.look = look_at_word, .wanted = ATTACKER, .write = call
#define FILL_BY(call)	.look = look_at_hole, .wanted = ATTACKER, .write = call
#define TO_BREAKPOINT	.look = look_at_byte, .wanted = BREAKPOINT, .write = write_probe
#define TO_MONITORED	.look = look_for_monitor, .wanted = MONITORED, \
			.write = write_register
#define MEM_BY(open)	.arm = open, WORD_BY(write_mem)
#define READ_BY(call)	.prepare = make_room, .look = look_at_room, .wanted = OWNER, \
			.write = call
#define TRACED(call)	.arm = trace, .release = detach, WORD_BY(call)

static const struct way ways[] = {
	{ PROC_MEM, OWN, "/proc/self/mem", ANON, RO, 0, MEM_BY(open_mem) },
	{ PROC_MEM, OWN, "/proc/self/mem", TEXT_FILE, RX, 0, MEM_BY(open_mem) },
	{ PROC_MEM, OWN, "/proc/self/mem", ANON, RW, 0, MEM_BY(open_mem) },
	{ PROC_MEM, OWN, "/proc/self/mem", ANON, RO, MSEAL_MAP, MEM_BY(open_mem) },
	{ PROC_MEM, OWN, "/proc/self/mem", ANON, RO, MSEAL_PROT, MEM_BY(open_mem) },
	{ PROC_MEM, OWN, "/proc/self/mem", ANON, RO, MSEAL_DISCARD, MEM_BY(open_mem) },
	{ PROC_MEM, OWN, "/proc/self/mem", ANON, RO, MSEAL_ALL, MEM_BY(open_mem) },
	{ PROC_MEM, OWN, "/proc/self/mem, of a hole", ANON, RO, 0, UNTOUCHED,
	  MEM_BY(open_mem) },
	{ PROC_MEM, OWN, "/proc/self/mem, of a private file", PRIVATE_FILE, RO, 0,
	  UNTOUCHED, MEM_BY(open_mem) },
	{ PROC_MEM, OWN, "opened before the seal", ANON, RO, 0, .prepare = open_mem,
	  WORD_BY(write_mem) },
	{ PROC_MEM, OWN, "by a process with the same mm", ANON, RO, 0, SHARED_MM,
	  MEM_BY(open_mem) },
	{ PROC_MEM, OWN, "a transparent huge page", THP, RO, 0, MEM_BY(open_mem) },
	{ PROC_MEM, OWN, "a huge page", HUGETLB, RW, 0, MEM_BY(open_mem) },
	{ PROC_MEM, OWN, "what a key denies to write", KEYED, RW, 0, MEM_BY(open_mem) },
	{ PROC_MEM, OWN, "/dev/mem, by ->access", DEV_MEM, RW, 0, MEM_BY(open_mem) },
	{ PROC_MEM, OWN, "from unsealed writable memory on into it", ANON, RO, 0,
	  .prepare = map_before, .arm = open_mem, WORD_BY(write_mem_across) },
	/* Reading is not checked. */
	{ PROC_MEM, OWN, "which is read", ANON, RO, 0, ALWAYS, .arm = open_mem,
	  READ_BY(read_mem) },
	/* A process that traces its own memory is not a tracer to a policy. */
	{ PROC_MEM, OWN, "as tracer of a process with the same mm", ANON, RO, 0,
	  .arm = trace_own_mm_and_open_mem, .release = kill_tracee, WORD_BY(write_mem) },
	{ PROC_MEM, OTHER, "/proc/PID/mem", ANON, RO, 0, MEM_BY(open_mem) },
	{ PROC_MEM, OTHER, "/proc/PID/mem", TEXT_FILE, RX, 0, MEM_BY(open_mem) },
	{ PROC_MEM, OTHER, "/proc/PID/mem", ANON, RW, 0, MEM_BY(open_mem) },
	{ PROC_MEM, OTHER, "opened by the target and passed on", ANON, RO, 0,
	  .prepare = send_mem, MEM_BY(receive_mem) },
	{ PROC_MEM, OTHER, "by its tracer", ANON, RO, 0, TRACER,
	  .arm = trace_and_open_mem, .release = detach, WORD_BY(write_mem) },
	{ PROC_MEM, OTHER, "by its tracer", TEXT_FILE, RX, 0, TRACER,
	  .arm = trace_and_open_mem, .release = detach, WORD_BY(write_mem) },
	{ PROC_MEM, OTHER, "by another thread of its tracer", ANON, RO, 0,
	  .arm = trace_and_open_mem, .release = detach, WORD_BY(write_mem_by_thread) },
	{ PROC_MEM, OTHER, "by the tracer of another process", ANON, RO, 0,
	  .arm = trace_another_and_open_mem, .release = kill_tracee,
	  WORD_BY(write_mem) },
	{ PROC_MEM, OTHER, "what a key denies to write", KEYED, RW, 0, MEM_BY(open_mem) },
	{ PROC_MEM, OTHER, "/dev/mem, by ->access", DEV_MEM, RW, 0, MEM_BY(open_mem) },
	{ PROC_MEM, OTHER, "race with mseal()", ANON, RO, 0, RACE, .arm = open_mem,
	  .write = race_write },
	{ PROC_MEM, OWN, "/proc/self/mem", ANON, RO, NO_SEAL, MEM_BY(open_mem) },
	{ PROC_MEM, OWN, "/proc/self/mem", TEXT_FILE, RX, NO_SEAL, MEM_BY(open_mem) },
	{ PROC_MEM, OWN, "/proc/self/mem", ANON, RW, NO_SEAL, MEM_BY(open_mem) },
	{ PROC_MEM, OTHER, "/proc/PID/mem", ANON, RO, NO_SEAL, MEM_BY(open_mem) },
	{ PROC_MEM, OTHER, "/proc/PID/mem", TEXT_FILE, RX, NO_SEAL, MEM_BY(open_mem) },
	{ PROC_MEM, OTHER, "/proc/PID/mem", ANON, RW, NO_SEAL, MEM_BY(open_mem) },

	{ PTRACE, OWN, "of a process with the same mm", ANON, RO, 0,
	  .arm = trace_own_mm, .release = kill_tracee, WORD_BY(poke_data) },
	{ PTRACE, OTHER, "PTRACE_POKEDATA", ANON, RO, 0, TRACER, TRACED(poke_data) },
	{ PTRACE, OTHER, "PTRACE_POKEDATA", ANON, RW, 0, TRACER, TRACED(poke_data) },
	{ PTRACE, OTHER, "PTRACE_POKEDATA", ANON, RO, MSEAL_DISCARD, TRACER,
	  TRACED(poke_data) },
	{ PTRACE, OTHER, "PTRACE_POKETEXT", TEXT_FILE, RX, 0, TRACER, TRACED(poke_text) },
	{ PTRACE, OTHER, "PTRACE_POKETEXT", TEXT_FILE, RX, MSEAL_PROT, TRACER,
	  TRACED(poke_text) },
	{ PTRACE, OTHER, "PTRACE_POKEDATA of a 32-bit tracer", LOW_ANON, RO, 0, TRACER,
	  .arm = trace_by_32bit, .release = detach, WORD_BY(poke_32bit) },
	{ PTRACE, OTHER, "a breakpoint, met and taken out again", TEXT_FILE, RX, 0, TRACER,
	  .arm = trace, .release = detach, .serve = run_text, .look = look_at_trap,
	  .wanted = TRAPPED, .write = insert_breakpoint },
	{ PTRACE, OTHER, "/dev/mem, by ->access", DEV_MEM, RW, 0, TRACER,
	  TRACED(poke_data) },
	{ PTRACE, OTHER, "race with mseal()", ANON, RO, 0, TRACER | RACE,
	  .prepare = make_sitter, .arm = trace, .release = detach, .write = race_write },
	{ PTRACE, OTHER, "PTRACE_POKEDATA", ANON, RO, NO_SEAL, TRACER, TRACED(poke_data) },
	{ PTRACE, OTHER, "PTRACE_POKETEXT", TEXT_FILE, RX, NO_SEAL, TRACER,
	  TRACED(poke_text) },
	{ PTRACE, OTHER, "a breakpoint, met and taken out again", TEXT_FILE, RX, NO_SEAL,
	  TRACER, .arm = trace, .release = detach, .serve = run_text,
	  .look = look_at_trap, .wanted = TRAPPED, .write = insert_breakpoint },
	{ PTRACE, OTHER, "PTRACE_POKEDATA", ANON, RW, NO_SEAL, TRACER, TRACED(poke_data) },

	{ PROCESS_VM, OWN, "itself", ANON, RW, 0, WORD_BY(write_process_vm) },
	{ PROCESS_VM, OWN, "itself", ANON, RW, MSEAL_MAP, WORD_BY(write_process_vm) },
	{ PROCESS_VM, OWN, "itself", ANON, RW, MSEAL_PROT, WORD_BY(write_process_vm) },
	{ PROCESS_VM, OWN, "itself", ANON, RW, MSEAL_DISCARD, WORD_BY(write_process_vm) },
	{ PROCESS_VM, OWN, "by a process with the same mm", ANON, RW, 0, SHARED_MM,
	  WORD_BY(write_process_vm) },
	{ PROCESS_VM, OWN, "from unsealed writable memory on into it", ANON, RW, 0,
	  .prepare = map_before, WORD_BY(write_process_vm_across) },
	{ PROCESS_VM, OWN, "the second of two elements", ANON, RW, 0,
	  .prepare = map_before, WORD_BY(write_process_vm_second) },
	{ PROCESS_VM, OWN, "a huge page", HUGETLB, RW, 0, WORD_BY(write_process_vm) },
	{ PROCESS_VM, OWN, "what a key denies to write", KEYED, RW, 0,
	  WORD_BY(write_process_vm) },
	{ PROCESS_VM, OTHER, "a child", ANON, RW, 0, WORD_BY(write_process_vm) },
	{ PROCESS_VM, OTHER, "what a key denies to write", KEYED, RW, 0,
	  WORD_BY(write_process_vm) },
	{ PROCESS_VM, OTHER, "by its tracer", ANON, RW, 0, TRACER,
	  TRACED(write_process_vm) },
	{ PROCESS_VM, OTHER, "race with mseal()", ANON, RW, 0, RACE, .write = race_write },
	{ PROCESS_VM, OWN, "itself, which its protection refuses", ANON, RO, 0, ALWAYS,
	  EFAULT, WORD_BY(write_process_vm) },
	{ PROCESS_VM, OWN, "itself, which its protection refuses", ANON, RO, NO_SEAL,
	  ALWAYS, EFAULT, WORD_BY(write_process_vm) },
	{ PROCESS_VM, OWN, "itself, which is read", ANON, RW, 0, ALWAYS,
	  READ_BY(read_process_vm) },
	{ PROCESS_VM, OWN, "itself", ANON, RW, NO_SEAL, WORD_BY(write_process_vm) },
	{ PROCESS_VM, OTHER, "a child", ANON, RW, NO_SEAL, WORD_BY(write_process_vm) },

	{ UPROBE, OWN, "by perf", TEXT_FILE, RX, 0, PRIVILEGED, TO_BREAKPOINT },
	{ UPROBE, OWN, "by perf", TEXT_FILE, RX, MSEAL_MAP, PRIVILEGED, TO_BREAKPOINT },
	{ UPROBE, OWN, "by perf", TEXT_FILE, RX, MSEAL_DISCARD, PRIVILEGED, TO_BREAKPOINT },
	{ UPROBE, OTHER, "by perf", TEXT_FILE, RX, 0, PRIVILEGED, TO_BREAKPOINT },
	{ UPROBE, OWN, "by perf", TEXT_FILE, RX, NO_SEAL, PRIVILEGED, TO_BREAKPOINT },
	{ UPROBE, OTHER, "by perf", TEXT_FILE, RX, NO_SEAL, PRIVILEGED, TO_BREAKPOINT },
	{ UPROBE, OWN, "by perf", TEXT_FILE, RO, NO_SEAL, PRIVILEGED, TO_BREAKPOINT },
	{ UPROBE, OWN, "taken out, put in before the seal", TEXT_FILE, RX, 0,
	  PRIVILEGED | ALWAYS, .prepare = open_probe_before_seal, .look = look_at_byte,
	  .wanted = NOP, .write = close_probe },

	{ UFFD_REGISTER, OWN, "missing pages", ANON, RO, 0, TO_MONITORED },
	{ UFFD_REGISTER, OWN, "missing pages", ANON, RO, MSEAL_MAP, TO_MONITORED },
	{ UFFD_REGISTER, OWN, "missing pages", ANON, RO, MSEAL_PROT, TO_MONITORED },
	{ UFFD_REGISTER, OWN, "missing pages", ANON, RW, 0, TO_MONITORED },
	{ UFFD_REGISTER, OWN, "missing pages", PRIVATE_FILE, RX, 0, TO_MONITORED },
	{ UFFD_REGISTER, OWN, "write protection", ANON, RO, 0, MONITOR_WP, TO_MONITORED },
	{ UFFD_REGISTER, OWN, "write protection", ANON, RO, MSEAL_DISCARD, MONITOR_WP,
	  TO_MONITORED },
	{ UFFD_REGISTER, OWN, "read-write protection", ANON, RO, 0, MONITOR_RWP,
	  TO_MONITORED },
	{ UFFD_REGISTER, OWN, "read-write protection", ANON, RO, MSEAL_DISCARD, MONITOR_RWP,
	  TO_MONITORED },
	{ UFFD_REGISTER, OWN, "read-write protection of a shared file", SHARED_FILE, RO, 0,
	  MONITOR_RWP, TO_MONITORED },
	{ UFFD_REGISTER, OWN, "minor faults", SHARED_FILE, RO, 0, MONITOR_MINOR,
	  TO_MONITORED },
	{ UFFD_REGISTER, OWN, "by a process with the same mm", ANON, RO, 0, SHARED_MM,
	  TO_MONITORED },
	{ UFFD_REGISTER, OTHER, "missing pages", ANON, RO, 0, TO_MONITORED },
	{ UFFD_REGISTER, OTHER, "by its tracer", ANON, RO, 0, TRACER, .arm = trace,
	  .release = detach, TO_MONITORED },
	{ UFFD_REGISTER, OWN, "missing pages", ANON, RO, NO_SEAL, TO_MONITORED },
	{ UFFD_REGISTER, OWN, "missing pages", PRIVATE_FILE, RX, NO_SEAL, TO_MONITORED },
	{ UFFD_REGISTER, OWN, "write protection", ANON, RO, NO_SEAL, MONITOR_WP,
	  TO_MONITORED },
	{ UFFD_REGISTER, OWN, "read-write protection", ANON, RO, NO_SEAL, MONITOR_RWP,
	  TO_MONITORED },
	{ UFFD_REGISTER, OWN, "missing pages", ANON, RW, NO_SEAL, TO_MONITORED },
	{ UFFD_REGISTER, OTHER, "missing pages", ANON, RO, NO_SEAL, TO_MONITORED },

	/* The memory of the other cases is monitored from before the seal. */
	{ UFFD_COPY, OWN, "a hole", ANON, RO, 0, UNTOUCHED | MONITOR, FILL_BY(write_copy) },
	{ UFFD_COPY, OWN, "a hole", ANON, RO, MSEAL_MAP, UNTOUCHED | MONITOR,
	  FILL_BY(write_copy) },
	{ UFFD_COPY, OWN, "a hole", ANON, RO, MSEAL_PROT, UNTOUCHED | MONITOR,
	  FILL_BY(write_copy) },
	{ UFFD_COPY, OWN, "a hole", ANON, RW, 0, UNTOUCHED | MONITOR, FILL_BY(write_copy) },
	{ UFFD_COPY, OWN, "a hole in a private file", TEXT_FILE, RX, 0, UNTOUCHED | MONITOR,
	  FILL_BY(write_copy) },
	{ UFFD_COPY, OWN, "a private file, emptied", PRIVATE_FILE, RO, 0, MONITOR,
	  FILL_BY(write_emptied) },
	{ UFFD_COPY, OWN, "a hole, monitored for write protection", ANON, RO, 0,
	  UNTOUCHED | MONITOR | MONITOR_WP, FILL_BY(write_copy) },
	{ UFFD_COPY, OWN, "a hole, monitored for read-write protection", ANON, RO, 0,
	  UNTOUCHED | MONITOR | MONITOR_RWP, FILL_BY(write_copy) },
	{ UFFD_COPY, OWN, "a huge page", HUGETLB, RO, 0, UNTOUCHED | MONITOR,
	  FILL_BY(write_copy) },
	{ UFFD_COPY, OWN, "by a process with the same mm", ANON, RO, 0,
	  UNTOUCHED | MONITOR | SHARED_MM, FILL_BY(write_copy) },
	{ UFFD_COPY, OWN, "sealed while it waits for its source", ANON, RW, NO_SEAL,
	  UNTOUCHED | MONITOR | SEALS_ITSELF, FILL_BY(write_copy_over_seal) },
	{ UFFD_COPY, OTHER, "a hole", ANON, RO, 0, UNTOUCHED | MONITOR,
	  FILL_BY(write_copy) },
	{ UFFD_COPY, OTHER, "by its tracer", ANON, RO, 0, UNTOUCHED | MONITOR | TRACER,
	  .arm = trace, .release = detach, FILL_BY(write_copy) },
	{ UFFD_COPY, OTHER, "race with mseal()", ANON, RO, 0, RACE, .write = race_write },
	{ UFFD_COPY, OWN, "a hole", ANON, RO, NO_SEAL, UNTOUCHED | MONITOR,
	  FILL_BY(write_copy) },
	{ UFFD_COPY, OWN, "a hole in a private file", TEXT_FILE, RX, NO_SEAL,
	  UNTOUCHED | MONITOR, FILL_BY(write_copy) },
	{ UFFD_COPY, OTHER, "a hole", ANON, RO, NO_SEAL, UNTOUCHED | MONITOR,
	  FILL_BY(write_copy) },
	{ UFFD_COPY, OWN, "a hole", ANON, RW, NO_SEAL, UNTOUCHED | MONITOR,
	  FILL_BY(write_copy) },

	{ UFFD_ZEROPAGE, OWN, "a hole in a private file", PRIVATE_FILE, RO, 0,
	  UNTOUCHED | MONITOR, .look = look_at_hole, .wanted = ZERO,
	  .write = write_zeropage },
	{ UFFD_ZEROPAGE, OTHER, "a hole in a private file", PRIVATE_FILE, RO, 0,
	  UNTOUCHED | MONITOR, .look = look_at_hole, .wanted = ZERO,
	  .write = write_zeropage },
	{ UFFD_ZEROPAGE, OWN, "a hole in a private file", PRIVATE_FILE, RO, NO_SEAL,
	  UNTOUCHED | MONITOR, .look = look_at_hole, .wanted = ZERO,
	  .write = write_zeropage },
	{ UFFD_ZEROPAGE, OWN, "a hole in a private file", PRIVATE_FILE, RW, NO_SEAL,
	  UNTOUCHED | MONITOR, .look = look_at_hole, .wanted = ZERO,
	  .write = write_zeropage },

	{ UFFD_CONTINUE, OWN, "a hole in a shared file", SHARED_FILE, RO, 0,
	  UNTOUCHED | MONITOR_MINOR, .look = look_for_page, .wanted = MAPPED,
	  .write = write_continue },
	{ UFFD_CONTINUE, OTHER, "a hole in a shared file", SHARED_FILE, RO, 0,
	  UNTOUCHED | MONITOR_MINOR, .look = look_for_page, .wanted = MAPPED,
	  .write = write_continue },
	{ UFFD_CONTINUE, OWN, "a hole in a shared file", SHARED_FILE, RO, NO_SEAL,
	  UNTOUCHED | MONITOR_MINOR, .look = look_for_page, .wanted = MAPPED,
	  .write = write_continue },
	{ UFFD_CONTINUE, OWN, "a hole in a shared file", SHARED_FILE, RW, NO_SEAL,
	  UNTOUCHED | MONITOR_MINOR, .look = look_for_page, .wanted = MAPPED,
	  .write = write_continue },

	{ UFFD_POISON, OWN, "a hole", ANON, RO, 0, UNTOUCHED | MONITOR | NOT_ON_UML,
	  .look = look_at_hole, .wanted = MARKED, .write = write_poison },
	{ UFFD_POISON, OTHER, "a hole", ANON, RO, 0, UNTOUCHED | MONITOR | NOT_ON_UML,
	  .look = look_at_hole, .wanted = MARKED, .write = write_poison },
	{ UFFD_POISON, OWN, "a hole", ANON, RO, NO_SEAL, UNTOUCHED | MONITOR | NOT_ON_UML,
	  .look = look_at_hole, .wanted = MARKED, .write = write_poison },
	{ UFFD_POISON, OWN, "a hole", ANON, RW, NO_SEAL, UNTOUCHED | MONITOR | NOT_ON_UML,
	  .look = look_at_hole, .wanted = MARKED, .write = write_poison },

	/* A move never leaves its mm. */
	{ UFFD_MOVE_FROM, OWN, "a page", ANON, RW, 0, .prepare = make_destination,
	  .look = look_at_source, .wanted = HOLE, .write = write_move },
	{ UFFD_MOVE_FROM, OWN, "a page", ANON, RW, MSEAL_PROT, .prepare = make_destination,
	  .look = look_at_source, .wanted = HOLE, .write = write_move },
	{ UFFD_MOVE_FROM, OWN, "by a process with the same mm", ANON, RW, 0, SHARED_MM,
	  .prepare = make_destination, .look = look_at_source, .wanted = HOLE,
	  .write = write_move },
	{ UFFD_MOVE_FROM, OWN, "a page", ANON, RW, NO_SEAL, .prepare = make_destination,
	  .look = look_at_source, .wanted = HOLE, .write = write_move },
	{ UFFD_MOVE_TO, OWN, "a hole", ANON, RW, 0, UNTOUCHED | MONITOR,
	  .prepare = make_source, FILL_BY(write_move) },
	{ UFFD_MOVE_TO, OWN, "a hole", ANON, RW, MSEAL_MAP, UNTOUCHED | MONITOR,
	  .prepare = make_source, FILL_BY(write_move) },
	{ UFFD_MOVE_TO, OWN, "by a process with the same mm", ANON, RW, 0,
	  UNTOUCHED | MONITOR | SHARED_MM, .prepare = make_source, FILL_BY(write_move) },
	{ UFFD_MOVE_TO, OWN, "a hole", ANON, RW, NO_SEAL, UNTOUCHED | MONITOR,
	  .prepare = make_source, FILL_BY(write_move) },
};

static enum class class_of(const struct way *w)
{
	if (w->seal != NO_SEAL || w->flags & SEALS_ITSELF)
		return SEALED;
	if (w->prot & PROT_WRITE)
		return WRITABLE;
	return w->prot & PROT_EXEC ? TEXT : READONLY;
}

static bool expect_refusal(const struct way *w)
{
	return is_refused(w->origin, class_of(w));
}

static const char *name_of(const struct way *w)
{
	static char name[256];
	const char *seal = "unsealed";

	if (w->flags & SEALS_ITSELF)
		seal = "not yet sealed";
	else if (!w->seal)
		seal = "sealed";
	else if (w->seal != NO_SEAL)
		seal = flags_name(w->seal);
	snprintf(name, sizeof(name), "%s, %s: %s %s, %s", origins[w->origin].name,
		 w->whose == OWN ? "own" : "other", seal,
		 w->prot & PROT_WRITE ? "writable" :
		 w->prot & PROT_EXEC ? "text" : "read-only", w->name);
	return name;
}

/* Running a case */

static void set_up(void)
{
	char *at;
	int key;

	if (way->origin >= UFFD_REGISTER)
		shared->uffd = uffd_for_case();
	if (way->flags & RACE) {
		if (way->prepare)
			way->prepare();
		return;
	}
	at = make_memory();
	if (way->origin != UFFD_REGISTER &&
	    way->flags & (MONITOR | MONITOR_WP | MONITOR_RWP | MONITOR_MINOR)) {
		errno = uffd_register_mode(shared->uffd, at, shared->len, monitor_mode());
		need(!errno, "UFFDIO_REGISTER");
	}
	if (way->mem == KEYED) {
		key = pkey_alloc(0, 0);
		if (key < 0)
			skip("no protection keys here");
		need(!pkey_mprotect(at, shared->len, way->prot, key), "pkey_mprotect");
		need(!pkey_set(key, PKEY_DISABLE_WRITE), "pkey_set");
	}
	if (way->prepare)
		way->prepare();
	/* Keyed memory is writable and stays as it is. */
	if (way->prot != RW)
		need(!mprotect(at, shared->len, way->prot), "mprotect");
	if (way->seal != NO_SEAL)
		seal_range(at, shared->len, way->seal);
}

static void __noreturn be_target(void)
{
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	shared->target = getpid();
	set_up();
	if (way->look)
		shared->before = way->look();
	need(write(to_writer[1], "", 1) == 1, "write");
	if (way->flags & RACE)
		race_target();
	need(read(to_target[0], &byte, 1) == 1, "read");
	if (way->serve)
		way->serve();
	if (way->look)
		shared->after = way->look();
	fflush(stdout);
	_exit(0);
}

static void write_now(void)
{
	become_writer();
	shared->err = way->write();
}

static int write_and_exit(void __always_unused *arg)
{
	write_now();
	fflush(stdout);
	return 0;
}

/* Exit with the code of the child if it failed. */
static void child_was_fine(pid_t pid, const char *name)
{
	int status;

	need(waitpid(pid, &status, __WALL) == pid, "waitpid");
	if (WIFSIGNALED(status))
		note("%s: killed by signal %d (%s)", name, WTERMSIG(status),
		     strsignal(WTERMSIG(status)));
	if (status) {
		fflush(stdout);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : KSFT_FAIL);
	}
}

static void write_to_own(void)
{
	const size_t len = 32 * page_size;
	pid_t pid;

	shared->target = getpid();
	set_up();
	shared->before = way->look();
	if (way->arm)
		way->arm();
	if (way->flags & SHARED_MM) {
		fflush(stdout);
		pid = clone(write_and_exit, anon(len, 0) + len, CLONE_VM | SIGCHLD |
			    (opt.writer_userns ? CLONE_NEWUSER : 0), NULL);
		need(pid > 0, "clone(CLONE_VM)");
		child_was_fine(pid, "the writer");
	} else {
		write_now();
	}
	if (way->release)
		way->release();
	shared->after = way->look();
}

static void write_to_other(void)
{
	struct pollfd pfds[2];
	pid_t pid;

	need(!pipe2(to_target, O_CLOEXEC) && !pipe2(to_writer, O_CLOEXEC), "pipe");
	if (way->prepare == send_mem &&
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks))
		note("no sockets: %s", errno_name(errno));
	fflush(stdout);
	/* With one table of descriptors a number means the same to both. */
	pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	need(pid >= 0, "clone(CLONE_FILES)");
	if (!pid)
		be_target();

	pfds[0] = (struct pollfd){ .fd = to_writer[0], .events = POLLIN };
	pfds[1] = (struct pollfd){ .fd = syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
	need(poll(pfds, 2, EVENT_TIMEOUT) > 0, "a target");
	if (!(pfds[0].revents & POLLIN))
		child_was_fine(pid, "the target");
	wait_for_target();
	if (way->arm)
		way->arm();
	write_now();
	if (way->release)
		way->release();
	tell_target();
	child_was_fine(pid, "the target");
}

static int race_verdict(bool refusal)
{
	note("begun afterwards: %u landed, %u refused; memory changed in %u of %u rounds",
	     shared->late_landed, shared->late_refused, shared->rounds_changed,
	     RACE_ROUNDS);
	if (shared->bad_err) {
		note("one failed with %s", err_name(shared->bad_err));
		return KSFT_FAIL;
	}
	if (refusal)
		return !shared->late_landed && shared->late_refused &&
		       !shared->rounds_changed ? KSFT_PASS : KSFT_FAIL;
	return shared->late_landed && !shared->late_refused &&
	       shared->rounds_changed ? KSFT_PASS : KSFT_FAIL;
}

static int verdict(void)
{
	/* A uprobe is left out without an error. */
	bool refusal = expect_refusal(way);
	int want_err = refusal ? origins[way->origin].refused : 0;
	int want;

	if (way->flags & RACE)
		return race_verdict(refusal);
	if (way->flags & ALWAYS) {
		want_err = way->want_err;
		refusal = want_err;
	}
	want = refusal ? shared->before : way->wanted;

	note("memory: %s -> %s, the call: %s", state_name(shared->before),
	     state_name(shared->after), err_name(shared->err));
	if (shared->before == way->wanted) {
		note("the memory was so before: the write cannot be seen");
		return KSFT_FAIL;
	}
	if (shared->err == want_err && shared->after == want)
		return KSFT_PASS;
	note("expected: %s -> %s, the call: %s", state_name(shared->before),
	     state_name(want), err_name(want_err));
	return KSFT_FAIL;
}

/*
 * With proc_mem.force_override= only a tracer may be able to write where the
 * mapping does not permit it. Do not check that where a policy is expected to
 * refuse, because the two look alike.
 */
static bool cannot_force(void)
{
	char *at;
	int fd;

	if (way->origin != PROC_MEM || way->prot & PROT_WRITE || way->flags & TRACER ||
	    is_refused(PROC_MEM, READONLY) || expect_refusal(way))
		return false;
	at = anon(page_size, OWNER);
	need(!mprotect(at, page_size, PROT_READ), "mprotect");
	fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	return fd >= 0 && pwrite(fd, "", 1, (off_t)at) < 0;
}

static int run_case(const void __always_unused *unused)
{
	if (cannot_force())
		skip("this kernel lets only tracers force a write to /proc/PID/mem");
	if (way->flags & NOT_ON_UML && on_uml())
		skip("a pristine UML panics at a poisoned page");
	if (way->whose == OWN)
		write_to_own();
	else
		write_to_other();
	return verdict();
}

static void run_way(const struct way *w)
{
	char name[384];

	way = w;
	memset(shared, 0, sizeof(*shared));
	shared->file = -1;
	shared->uffd = -1;
	snprintf(name, sizeof(name), "%s%s%s", opt.label, *opt.label ? ": " : "", name_of(w));
	ksft_print_msg("%s\n", name);
	report_case(name, end_case(start_case(run_case, NULL)));
}

static bool is_chosen(const struct way *w)
{
	if (opt.races_only && !(w->flags & RACE))
		return false;
	return opt.only & (1U << w->origin) && (w->whose == OWN ? opt.own : opt.other);
}

static unsigned int nr_chosen(void)
{
	unsigned int nr = 0;

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		nr += is_chosen(&ways[i]);
	return nr;
}

static void run_chosen(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		if (is_chosen(&ways[i]))
			run_way(&ways[i]);
}

/* Privileges of the whole program */

static void drop_ptrace_cap(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct caps[2];

	prctl(PR_CAPBSET_DROP, CAP_SYS_PTRACE);
	need(!syscall(SYS_capget, &header, caps), "capget");
	caps[0].effective &= ~(1U << CAP_SYS_PTRACE);
	caps[0].permitted &= ~(1U << CAP_SYS_PTRACE);
	caps[0].inheritable &= ~(1U << CAP_SYS_PTRACE);
	need(!syscall(SYS_capset, &header, caps), "capset");
	/* Its files in /proc stay accessible. */
	need(!prctl(PR_SET_DUMPABLE, 1), "PR_SET_DUMPABLE");
}

static void become_user(long uid)
{
	need(!setgroups(0, NULL), "setgroups");
	need(!setresgid(uid, uid, uid), "setresgid");
	need(!setresuid(uid, uid, uid), "setresuid");
	need(!prctl(PR_SET_DUMPABLE, 1), "PR_SET_DUMPABLE");
}

static void enter_userns(void)
{
	const unsigned int uid = geteuid(), gid = getegid();
	char map[64];

	need(!unshare(CLONE_NEWUSER), "unshare(CLONE_NEWUSER)");
	write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", uid);
	write_file("/proc/self/uid_map", map);
	snprintf(map, sizeof(map), "0 %u 1", gid);
	write_file("/proc/self/gid_map", map);
}

/* An address space belongs to the user namespace in which it was executed. */
static void restart_in_userns(char **argv)
{
	static const char done[] = "FORCED_WRITE_IN_USERNS";

	if (getenv(done))
		return;
	enter_userns();
	setenv(done, "1", 1);
	execv("/proc/self/exe", argv);
	need(false, "execv");
}

/* kernel.yama.sealed_write_scope */

static const char scope_path[] = "/proc/sys/kernel/yama/sealed_write_scope";
static const char user_uffd_path[] = "/proc/sys/vm/unprivileged_userfaultfd";

static int scope_now(void)
{
	return read_number(scope_path);
}

static void set_scope(const char *scope)
{
	const int err = write_proc(scope_path, scope);

	if (err || scope_now() != atoi(scope))
		ksft_exit_fail_msg("sealed_write_scope cannot be set to %s: %s, it is %d\n",
				   scope, err_name(err), scope_now());
}

/* In a child, which may change its user. Returns what fn does. */
static int in_child(int (*fn)(const void *arg), const void *arg)
{
	const pid_t pid = start_case(fn, arg);
	int status = 0;

	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		ksft_exit_fail_msg("a child did not end by itself\n");
	return WEXITSTATUS(status);
}

static int write_scope(const void *value)
{
	return write_proc(scope_path, value);
}

static int write_scope_without_cap(const void *value)
{
	drop_ptrace_cap();
	return write_scope(value);
}

static int write_scope_as_user(const void *value)
{
	become_user(1000);
	return write_scope(value);
}

static int write_scope_in_userns(const void *value)
{
	enter_userns();
	return write_scope(value);
}

static const struct {
	const char *about, *value;
	int (*write)(const void *value);
	int err;
} bad_writes[] = {
	{ "below the range", "-1", write_scope, EINVAL },
	{ "above the range", "4", write_scope, EINVAL },
	{ "above any range", "99999999999999999999", write_scope, EINVAL },
	{ "text", "all", write_scope, EINVAL },
	{ "without CAP_SYS_PTRACE", "1", write_scope_without_cap, EPERM },
	{ "without CAP_SYS_PTRACE, to lock it", "3", write_scope_without_cap, EPERM },
	{ "as root of another user namespace", "1", write_scope_in_userns, EPERM },
	{ "as a user", "1", write_scope_as_user, EACCES },
};

static void test_bad_writes(void)
{
	const int before = scope_now();

	for (size_t i = 0; i < ARRAY_SIZE(bad_writes); i++) {
		const int err = in_child(bad_writes[i].write, bad_writes[i].value);

		ksft_print_msg("  %d, after \"%s\": %d, the write: %s\n", before,
			       bad_writes[i].value, scope_now(), errno_name(err));
		ksft_test_result(err == bad_writes[i].err && scope_now() == before,
				 "sysctl: \"%s\", %s: refused with %s, nothing changes\n",
				 bad_writes[i].value, bad_writes[i].about,
				 errno_name(bad_writes[i].err));
	}
}

static const char * const lower[] = { "0", "1", "2" };

/* Lower the sysctl until it is locked. Returns 0 if that is why it ended. */
static int lower_until_locked(const void __always_unused *unused)
{
	for (size_t i = 0;; i++) {
		const int err = write_scope(lower[i % ARRAY_SIZE(lower)]);

		if (err)
			return err == EINVAL ? 0 : 1;
		atomic_fetch_add(&shared->writes, 1);
	}
}

/*
 * Lock the sysctl while others lower it. Each boot has one chance to see a write
 * that was checked before and lands after; it takes a second CPU.
 */
static void test_lock_race(void)
{
	pid_t pids[2];
	bool refused = true;

	atomic_store(&shared->writes, 0);
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		pids[i] = start_case(lower_until_locked, NULL);
	while (atomic_load(&shared->writes) < 100)
		sched_yield();
	set_scope("3");
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		int status = 0;

		waitpid(pids[i], &status, 0);
		refused &= !status;
	}
	ksft_print_msg("  %u writes lowered it before it was locked, now it is %d\n",
		       atomic_load(&shared->writes), scope_now());
	ksft_test_result(refused && scope_now() == 3,
			 "sysctl: 3 is for good, also with other writers at the same time\n");
}

static void test_locked(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(lower); i++) {
		const int err = write_scope(lower[i]);

		ksft_print_msg("  3, after \"%s\": %d, the write: %s\n", lower[i],
			       scope_now(), errno_name(err));
		ksft_test_result(err == EINVAL && scope_now() == 3,
				 "sysctl: 3 is for good, \"%s\" is refused\n", lower[i]);
	}
}

/*
 * All cases run with each of these. The program executes itself for that. A
 * tracer that attaches to a process that runs is no debugger, so level 1 makes no
 * difference to it here. Debuggers are in yama_sealed_write_test.c.
 */
static const struct config {
	const char *scope, *about, *argv[8];
	bool quick;			/* also run with --quick */
} configs[] = {
	{ "0", "root", {} },
	{ "0", "without CAP_SYS_PTRACE", { "--no-cap" } },
	{ "0", "a user", { "--as", "1000" } },
	{ "1", "root", {} },
	{ "1", "without CAP_SYS_PTRACE",
	  { "--no-cap", "--sealed", "EPERM" }, true },
	{ "1", "a user", { "--as", "1000", "--sealed", "EPERM" } },
	{ "1", "the writer in another user namespace",
	  { "--writer-userns", "--sealed", "EPERM" } },
	{ "1", "all in another user namespace", { "--in-userns" } },
	{ "1", "all in another user namespace, without CAP_SYS_PTRACE",
	  { "--in-userns", "--no-cap", "--sealed", "EPERM" } },
	{ "2", "root", {} },
	{ "2", "without CAP_SYS_PTRACE", { "--no-cap", "--sealed", "EPERM" }, true },
	{ "2", "a user", { "--as", "1000", "--sealed", "EPERM" } },
	{ "2", "the writer in another user namespace",
	  { "--writer-userns", "--sealed", "EPERM" } },
	{ "2", "all in another user namespace", { "--in-userns" } },
	/* This value cannot be lowered again. */
	{ "3", "root", { "--sealed", "EPERM" }, true },
	{ "3", "without CAP_SYS_PTRACE", { "--no-cap", "--sealed", "EPERM" } },
	{ "3", "all in another user namespace", { "--in-userns", "--sealed", "EPERM" } },
};

static void run_config(const struct config *config)
{
	char label[128], part[32], only[256] = "", *argv[32] = { "forced_write_test" };
	struct ksft_count counts;
	int fds[2], status, nr = 1;
	pid_t pid;

	if (pipe(fds))
		ksft_exit_fail_msg("pipe: %s\n", strerror(errno));
	snprintf(label, sizeof(label), "scope %s, %s", config->scope, config->about);
	snprintf(part, sizeof(part), "%u,%d", ksft_test_num(), fds[1]);
	argv[nr++] = "--label";
	argv[nr++] = label;
	argv[nr++] = "--part";
	argv[nr++] = part;
	for (size_t i = 0; i < ARRAY_SIZE(config->argv) && config->argv[i]; i++)
		argv[nr++] = (char *)config->argv[i];
	for (int origin = 0; origin < NR_ORIGINS; origin++) {
		if (!(opt.only & (1U << origin)))
			continue;
		if (*only)
			strcat(only, ",");
		strcat(only, origins[origin].name);
	}
	argv[nr++] = "--only";
	argv[nr++] = only;
	if (opt.races_only)
		argv[nr++] = "--race";
	if (!opt.own)
		argv[nr++] = "--other";
	if (!opt.other)
		argv[nr++] = "--own";

	fflush(stdout);
	pid = fork();
	if (!pid) {
		execv("/proc/self/exe", argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		ksft_exit_fail_msg("fork: %s\n", strerror(errno));
	close(fds[1]);
	if (read(fds[0], &counts, sizeof(counts)) != sizeof(counts))
		ksft_exit_fail_msg("%s: it ended early (status %x)\n", label, status);
	close(fds[0]);
	ksft_cnt.ksft_pass += counts.ksft_pass;
	ksft_cnt.ksft_fail += counts.ksft_fail;
	ksft_cnt.ksft_xskip += counts.ksft_xskip;
}

/* The kernel's log */

static int kmsg = -1;

static void open_kmsg(void)
{
	kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (kmsg < 0 || lseek(kmsg, 0, SEEK_END) < 0)
		ksft_exit_fail_msg("/dev/kmsg: %s\n", strerror(errno));
}

/* The next record, or NULL when there is none yet. */
static const char *next_record(void)
{
	static char record[2048];
	const char *text;
	ssize_t len;

	do {
		len = read(kmsg, record, sizeof(record) - 1);
	} while (len < 0 && (errno == EPIPE || errno == EINTR));
	if (len < 0)
		return NULL;
	record[len] = '\0';
	record[strcspn(record, "\n")] = '\0';
	text = strchr(record, ';');
	return text ? text + 1 : record;
}

struct denial {
	char origin[32], owner[64], comm[64];
	int owner_pid, pid, scope;
};

static bool is_denial(const char *record, struct denial *d)
{
	return sscanf(record,
		      "Yama: forced write by %31s into sealed memory of \"%63[^\"]\"[%d] was refused: \"%63[^\"]\"[%d], sealed_write_scope %d",
		      d->origin, d->owner, &d->owner_pid, d->comm, &d->pid, &d->scope) == 6;
}

/* The kernel cuts names at that length. */
#define TASK_NAME_LEN	15

/* The last part of the name of the executable */
static const char *self_name(void)
{
	static char path[256];

	if (!*path && readlink("/proc/self/exe", path, sizeof(path) - 1) <= 0)
		ksft_exit_fail_msg("/proc/self/exe: %s\n", strerror(errno));
	return strrchr(path, '/') + 1;
}

static pid_t provoked_pid;

static int write_often(const void *times)
{
	const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	unsigned int left = *(const unsigned int *)times;
	int code;

	prctl(PR_SET_NAME, "forced-writer");
	dup2(null, STDOUT_FILENO);
	drop_ptrace_cap();
	code = run_case(NULL);
	/* The rest of a flood, to the same memory */
	while (--left)
		way->write();
	return code;
}

/* Make a refused write (or times of them) without reporting a result. */
static int provoke(const struct way *w, unsigned int times)
{
	way = w;
	memset(shared, 0, sizeof(*shared));
	shared->file = -1;
	shared->uffd = -1;
	provoked_pid = start_case(write_often, &times);
	return end_case(provoked_pid);
}

static const struct way *sealed_way(enum origin origin)
{
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		if (ways[i].origin == origin && class_of(&ways[i]) == SEALED &&
		    !(ways[i].flags & (RACE | ALWAYS | SEALS_ITSELF)) &&
		    (ways[i].origin != PTRACE || ways[i].whose == OTHER))
			return &ways[i];
	return NULL;
}

#define LOG_TRIES	100
#define LOG_POLL	200	/* milliseconds; the ratelimit's interval is 5 s */

static bool find_denial(const struct way *w, int scope)
{
	struct denial d;
	const char *record;

	while ((record = next_record())) {
		if (!is_denial(record, &d) || d.pid != provoked_pid)
			continue;
		ksft_print_msg("  %s\n", record);
		if (!strcmp(d.origin, origins[w->origin].name) && d.scope == scope &&
		    !strcmp(d.comm, "forced-writer") &&
		    !strncmp(d.owner, self_name(), TASK_NAME_LEN) &&
		    (!d.owner_pid || d.owner_pid == shared->target))
			return true;
		ksft_print_msg("  wanted: %s, memory of %.*s [%d], scope %d\n",
			       origins[w->origin].name, TASK_NAME_LEN, self_name(),
			       shared->target, scope);
	}
	return false;
}

/* Try repeatedly, because the log is ratelimited. */
static void test_log(enum origin origin, int scope)
{
	const struct way *w = sealed_way(origin);
	struct pollfd pfd = { .fd = kmsg, .events = POLLIN };
	bool found = false;
	int code = KSFT_PASS;

	opt.refused[SEALED] = ALL_ORIGINS;
	for (int i = 0; i < LOG_TRIES && !found && code == KSFT_PASS; i++) {
		if (i)
			poll(&pfd, 1, LOG_POLL);
		code = provoke(w, 1);
		found = find_denial(w, scope);
	}
	if (code == KSFT_SKIP)
		ksft_test_result_skip("scope %d, log: %s: %s\n", scope, origins[origin].name,
				      skip_reason);
	else
		ksft_test_result(found && code == KSFT_PASS,
				 "scope %d, log: %s is logged\n", scope, origins[origin].name);
}

#define LOG_FLOOD	100

static void test_ratelimit(void)
{
	const struct way *w = sealed_way(PROC_MEM);
	struct pollfd pfd = { .fd = kmsg, .events = POLLIN };
	unsigned int lines = 0, suppressed = 0;
	const char *record, *at;
	struct denial d;
	pid_t flooder;

	while (next_record())
		;
	provoke(w, LOG_FLOOD);
	flooder = provoked_pid;
	for (int i = 0; i < LOG_TRIES && lines + suppressed < LOG_FLOOD; i++) {
		while ((record = next_record())) {
			if (is_denial(record, &d) && d.pid == flooder)
				lines++;
			at = strstr(record, "callbacks suppressed");
			if (!at)
				continue;
			ksft_print_msg("  %s\n", record);
			at = strstr(record, ": ");
			if (at)
				suppressed += strtoul(at + 2, NULL, 10);
		}
		/* The count is logged with the first line of the next interval. */
		poll(&pfd, 1, LOG_POLL);
		provoke(w, 1);
	}
	ksft_print_msg("  of %d writes %u were logged, %u suppressed (including later ones)\n",
		       LOG_FLOOD, lines, suppressed);
	/* Twice the burst, because an interval may end in the middle. */
	ksft_test_result(lines <= 20 && lines + suppressed >= LOG_FLOOD,
			 "log: %d refused writes do not flood it, and are counted\n",
			 LOG_FLOOD);
}

/*
 * A race with the policy: a process writes to sealed memory all the time. Once the
 * write to the sysctl has returned and the call that was running then has ended,
 * none of its writes must land.
 */
static int race_policy_writer(const void __always_unused *unused)
{
	const size_t len = fills_holes() ? RACE_PAGES * page_size : page_size;
	char *source = anon(page_size, ATTACKER);
	uint64_t value;
	char *at;

	stay_on_cpu(0);
	drop_ptrace_cap();
	at = map_at(room(len), len, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (fills_holes()) {
		shared->uffd = new_uffd(0, "");
		need(!uffd_register_mode(shared->uffd, at, len, UFFDIO_REGISTER_MODE_MISSING),
		     "UFFDIO_REGISTER");
	}
	if (way->prot != RW)
		need(!mprotect(at, len, way->prot), "mprotect");
	seal_range(at, len, 0);
	shared->at = at;
	shared->target = getpid();
	if (way->origin == PROC_MEM)
		open_mem();
	value = race_loop(source, true);
	if (race_value(at) != value)
		shared->rounds_changed++;
	return KSFT_PASS;
}

static const struct way policy_races[] = {
	{ PROC_MEM, OWN, "race with the policy", ANON, RO, 0, RACE },
	{ PROCESS_VM, OWN, "race with the policy", ANON, RW, 0, RACE },
	{ UFFD_COPY, OWN, "race with the policy", ANON, RO, 0, RACE },
};

/* Wait for this number of writes, or until the writer ends. */
static void await_writes(pid_t pid, unsigned int writes, int *status)
{
	unsigned int seen;

	while ((seen = atomic_load(&shared->writes)) < writes &&
	       waitpid(pid, status, WNOHANG) == 0)
		wait_a_while(&shared->writes, seen);
}

static void race_policy_round(void)
{
	unsigned int writes;
	int status = 0;
	pid_t pid;

	set_scope("0");
	atomic_store(&shared->sealed, false);
	atomic_store(&shared->stop, false);
	atomic_store(&shared->writes, 0);
	pid = start_case(race_policy_writer, NULL);
	await_writes(pid, 3, &status);
	set_scope("2");
	atomic_store(&shared->sealed, true);
	writes = atomic_load(&shared->writes);
	await_writes(pid, writes + 2 + LATE_WRITES, &status);
	atomic_store(&shared->stop, true);
	waitpid(pid, &status, 0);
	if (status)
		shared->bad_err = EPROTO;
}

static void test_policy_race(const struct way *w)
{
	way = w;
	memset(shared, 0, sizeof(*shared));
	stay_on_cpu(1);
	for (int i = 0; i < RACE_ROUNDS; i++)
		race_policy_round();
	stay_on_cpu(-1);
	ksft_test_result(race_verdict(true) == KSFT_PASS,
			 "scope 0 to 2, under way: %s\n", name_of(w));
}

static void change_scope(const char *scope)
{
	/* These go back to 0 first. */
	if (!strcmp(scope, "3")) {
		for (size_t i = 0; i < ARRAY_SIZE(policy_races); i++)
			test_policy_race(&policy_races[i]);
		test_lock_race();
	} else {
		set_scope(scope);
	}
	if (opt.races_only)
		return;
	lseek(kmsg, 0, SEEK_END);
	if (!strcmp(scope, "2")) {
		for (int origin = 0; origin < NR_ORIGINS; origin++)
			if (opt.only & (1U << origin))
				test_log(origin, 2);
		test_ratelimit();
	}
	if (!strcmp(scope, "3")) {
		test_locked();
		test_log(PROC_MEM, 3);
	}
}

static void __noreturn run_yama(void)
{
	char user_uffd[2] = "";
	const char *scope = "";
	unsigned int plan = ARRAY_SIZE(policy_races) + 1;
	int fd;

	if (scope_now() < 0)
		ksft_exit_fail_msg("%s: %s\n", scope_path, strerror(errno));
	if (scope_now())
		ksft_exit_fail_msg("%s is %d: a guest just booted has 0\n", scope_path,
				   scope_now());
	/* So that a fill that waits is also tried without privilege. */
	fd = open(user_uffd_path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, user_uffd, 1) == 1)
		write_proc(user_uffd_path, "1");
	close(fd);

	for (size_t i = 0; i < ARRAY_SIZE(configs); i++)
		if (configs[i].quick || !opt.quick)
			plan += nr_chosen();
	if (!opt.races_only)
		plan += ARRAY_SIZE(bad_writes) + ARRAY_SIZE(lower) +
			__builtin_popcount(opt.only) + 2;
	ksft_set_plan(plan);
	open_kmsg();

	if (!opt.races_only)
		test_bad_writes();
	for (size_t i = 0; i < ARRAY_SIZE(configs); i++) {
		if (opt.quick && !configs[i].quick)
			continue;
		if (strcmp(scope, configs[i].scope)) {
			scope = configs[i].scope;
			change_scope(scope);
		}
		run_config(&configs[i]);
	}
	if (*user_uffd)
		write_proc(user_uffd_path, user_uffd);
	ksft_finished();
}

/* The command line */

static const char usage[] =
"usage: forced_write_test [OPTION]...\n"
"Writes to memory that does not permit it, by every access path.\n"
"\n"
"  --list             list the cases and stop\n"
"  --sealed WHAT      what to expect of writes to sealed memory (default allow)\n"
"  --readonly WHAT    to unsealed, non-writable memory (default allow)\n"
"  --text WHAT        the same, and executable (default: as --readonly)\n"
"                     WHAT: allow, EPERM, or the origins that are refused:\n"
"                     ORIGIN[,ORIGIN]...\n"
"  --only ORIGIN[,ORIGIN]   only these origins\n"
"  --skip ORIGIN[,ORIGIN]   all but these\n"
"  --own, --other     only memory of the writer's own, of another process\n"
"  --race             only the races\n"
"  --as UID           become this user first\n"
"  --no-cap           drop CAP_SYS_PTRACE first\n"
"  --writer-userns    the writer enters a user namespace before it writes\n"
"  --in-userns        all of it in another user namespace\n"
"  --attr-current X   the writer writes X to /proc/self/attr/current before it writes\n"
"  --label TEXT       put TEXT before the names\n"
"  --yama             all values of kernel.yama.sealed_write_scope; it stays locked\n"
"  --quick            --yama, without the values and users that make little difference\n";

static void __noreturn __printf(1, 2) bad_usage(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fprintf(stderr, "forced_write_test: ");
	vfprintf(stderr, fmt, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(2);
}

static unsigned int parse_origins(const char *text)
{
	char copy[256], *name, *next = copy;
	unsigned int mask = 0;
	int origin;

	snprintf(copy, sizeof(copy), "%s", text);
	while ((name = strsep(&next, ","))) {
		for (origin = 0; origin < NR_ORIGINS; origin++)
			if (!strcmp(name, origins[origin].name))
				break;
		if (origin == NR_ORIGINS)
			bad_usage("no such origin: '%s', see --list", name);
		mask |= 1U << origin;
	}
	return mask;
}

static unsigned int parse_what(const char *text)
{
	if (!strcmp(text, "allow"))
		return 0;
	if (!strcmp(text, "EPERM"))
		return ALL_ORIGINS;
	return parse_origins(text);
}

/* For a part of another run: the number of results before, and where to report. */
static unsigned int part_start;
static int part_fd = -1;

enum {
	OPT_LIST = 1, OPT_SEALED, OPT_READONLY, OPT_TEXT, OPT_ONLY, OPT_SKIP,
	OPT_OWN, OPT_OTHER, OPT_RACE, OPT_AS, OPT_NO_CAP, OPT_WRITER_USERNS,
	OPT_IN_USERNS, OPT_ATTR_CURRENT, OPT_LABEL, OPT_YAMA, OPT_QUICK, OPT_PART,
	OPT_HELP,
};

static const struct option options[] = {
	{ "list", no_argument, NULL, OPT_LIST },
	{ "sealed", required_argument, NULL, OPT_SEALED },
	{ "readonly", required_argument, NULL, OPT_READONLY },
	{ "text", required_argument, NULL, OPT_TEXT },
	{ "only", required_argument, NULL, OPT_ONLY },
	{ "skip", required_argument, NULL, OPT_SKIP },
	{ "own", no_argument, NULL, OPT_OWN },
	{ "other", no_argument, NULL, OPT_OTHER },
	{ "race", no_argument, NULL, OPT_RACE },
	{ "as", required_argument, NULL, OPT_AS },
	{ "no-cap", no_argument, NULL, OPT_NO_CAP },
	{ "writer-userns", no_argument, NULL, OPT_WRITER_USERNS },
	{ "in-userns", no_argument, NULL, OPT_IN_USERNS },
	{ "attr-current", required_argument, NULL, OPT_ATTR_CURRENT },
	{ "label", required_argument, NULL, OPT_LABEL },
	{ "yama", no_argument, NULL, OPT_YAMA },
	{ "quick", no_argument, NULL, OPT_QUICK },
	{ "part", required_argument, NULL, OPT_PART },
	{ "help", no_argument, NULL, OPT_HELP },
	{}
};

static void list_ways(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		printf("%-14s %-5s %-8s %s\n", origins[ways[i].origin].name,
		       ways[i].whose == OWN ? "own" : "other",
		       ways[i].flags & ALWAYS ? "none" : class_names[class_of(&ways[i])],
		       name_of(&ways[i]));
}

static void parse(int argc, char **argv)
{
	const char *text = NULL;
	char *end;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case OPT_LIST:
			list_ways();
			exit(0);
		case OPT_SEALED:
			opt.refused[SEALED] = parse_what(optarg);
			break;
		case OPT_READONLY:
			opt.refused[READONLY] = parse_what(optarg);
			break;
		case OPT_TEXT:
			text = optarg;
			break;
		case OPT_ONLY:
			opt.only = parse_origins(optarg);
			break;
		case OPT_SKIP:
			opt.only = ALL_ORIGINS & ~parse_origins(optarg);
			break;
		case OPT_OWN:
			opt.other = false;
			break;
		case OPT_OTHER:
			opt.own = false;
			break;
		case OPT_RACE:
			opt.races_only = true;
			break;
		case OPT_AS:
			opt.uid = strtol(optarg, &end, 10);
			if (*end || end == optarg || opt.uid < 0)
				bad_usage("not a user's number: '%s'", optarg);
			break;
		case OPT_NO_CAP:
			opt.no_cap = true;
			break;
		case OPT_WRITER_USERNS:
			opt.writer_userns = true;
			break;
		case OPT_IN_USERNS:
			opt.in_userns = true;
			break;
		case OPT_ATTR_CURRENT:
			opt.attr_current = optarg;
			break;
		case OPT_LABEL:
			opt.label = optarg;
			break;
		case OPT_YAMA:
			opt.yama = true;
			break;
		case OPT_QUICK:
			opt.quick = true;
			break;
		case OPT_PART:
			if (sscanf(optarg, "%u,%d", &part_start, &part_fd) != 2)
				bad_usage("--part is for its own use");
			break;
		case OPT_HELP:
			fputs(usage, stdout);
			exit(0);
		default:
			/* getopt_long() has printed what is wrong. */
			fputs(usage, stderr);
			exit(2);
		}
	}
	if (optind < argc)
		bad_usage("not an option: '%s'", argv[optind]);
	opt.refused[TEXT] = text ? parse_what(text) : opt.refused[READONLY];
	if (!nr_chosen())
		bad_usage("no case is left to run");
}

int main(int argc, char **argv)
{
	parse(argc, argv);
	page_size = sysconf(_SC_PAGESIZE);
	setvbuf(stdout, NULL, _IOLBF, 0);
	shared = init_cases(sizeof(*shared));

	if (opt.in_userns)
		restart_in_userns(argv);
	if (opt.no_cap)
		drop_ptrace_cap();
	if (opt.uid >= 0)
		become_user(opt.uid);

	if (part_fd < 0)
		ksft_print_header();
	if (sys_mseal(NULL, 0, 0))
		ksft_exit_fail_msg("this kernel has no mseal()\n");
	if (opt.yama)
		run_yama();

	if (part_fd < 0)
		ksft_set_plan(nr_chosen());
	ksft_cnt.ksft_pass = part_start;
	run_chosen();
	if (part_fd < 0)
		ksft_finished();
	ksft_cnt.ksft_pass -= part_start;
	if (write(part_fd, &ksft_cnt, sizeof(ksft_cnt)) != sizeof(ksft_cnt))
		ksft_exit_fail_msg("write: %s\n", strerror(errno));
	return 0;
}
