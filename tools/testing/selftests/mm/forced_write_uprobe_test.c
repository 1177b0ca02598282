// SPDX-License-Identifier: GPL-2.0-only
/*
 * uprobes and sealed memory: what is written under a policy that refuses, and
 * what is not.
 *
 * The policy is kernel.yama.sealed_write_scope at 2, and the tasks of a case do
 * not have CAP_SYS_PTRACE in effect. At 0 everything is permitted. A case is a
 * process of its own: it puts the steps in order by calling them one after the
 * other, and looks at the bytes of the memory after each.
 *
 * The trace event mseal:uprobe_left_out is counted where this task causes it.
 */

#include "kselftest.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/uio.h>

#include "mseal_attr.h"
#include "mseal_case.h"

#define NOP		0x90
#define RET		0xc3
#define BREAKPOINT	0xcc

/* Offsets in the file: text in its first page, a counter in its second */
#define PROBED		64		/* a no-op */
#define OWN_INT3	80		/* a breakpoint instruction of the text */
#define SLOW		96		/* the no-op of 10 bytes, then a return */
#define FILE_PAGES	3

#define NO_FD		(-1)
#define EVERYBODY	(-1)		/* for open_probe() */
#define MYSELF		0

/* Removal restores these, and leaves the call as operands of the no-op. */
#define LEA_SIZE	5

static const unsigned char nop10[] = { 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0 };
/* What an optimised probe begins with: lea -0x80(%rsp), %rsp and a call */
static const unsigned char lea_call[] = { 0x48, 0x8d, 0x64, 0x24, 0x80, 0xe8 };
static const unsigned char int3_nop10[] = { BREAKPOINT, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0 };
static const unsigned char nop = NOP, int3 = BREAKPOINT;

static const char scope_path[] = "/proc/sys/kernel/yama/sealed_write_scope";

static unsigned long page_size;
static int text_fd = NO_FD;
static bool wrong;		/* a comparison of this case failed */
static char *volatile *shared;	/* where the mapping of the victim is */

struct probe_case {
	const char *name;
	void (*run)(void);
};

/* Comparisons */

static void __printf(3, 4) compare(bool good, const char *what, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	note("%s: %s%s", what, text, good ? "" : "  <- wrong");
	wrong |= !good;
}

static void want_number(const char *what, long got, long wanted)
{
	compare(got == wanted, what, "%ld, expected %ld", got, wanted);
}

static const char *hex(char *buf, const unsigned char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sprintf(buf + 3 * i, "%02x ", bytes[i]);
	buf[3 * len - 1] = '\0';
	return buf;
}

/* Read another process, or this one, without touching the mapping by a store. */
static void want_bytes(const char *what, pid_t pid, const char *at,
		       const unsigned char *wanted, size_t len)
{
	unsigned char got[16] = "";
	struct iovec local = { got, len }, remote = { (void *)at, len };
	char a[64], b[64];

	need(process_vm_readv(pid, &local, 1, &remote, 1, 0) == (ssize_t)len,
	     "reading the memory");
	compare(!memcmp(got, wanted, len), what, "%s, expected %s", hex(a, got, len),
		hex(b, wanted, len));
}

static void want_byte(const char *what, const char *at, const unsigned char *wanted)
{
	want_bytes(what, getpid(), at, wanted, 1);
}

/* The policy */

static void have_ptrace_cap(bool have)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct caps[2];

	need(!syscall(SYS_capget, &header, caps), "capget");
	if (have)
		caps[0].effective |= 1U << CAP_SYS_PTRACE;
	else
		caps[0].effective &= ~(1U << CAP_SYS_PTRACE);
	need(!syscall(SYS_capset, &header, caps), "capset");
}

static bool write_scope(const char *scope)
{
	const int fd = open(scope_path, O_WRONLY | O_CLOEXEC);
	const bool done = fd >= 0 && write(fd, scope, 1) == 1;

	close(fd);
	return done;
}

static void set_scope(const char *scope)
{
	have_ptrace_cap(true);
	need(write_scope(scope), scope_path);
	have_ptrace_cap(false);
}

static void permit(void)
{
	set_scope("0");
}

static void refuse(void)
{
	set_scope("2");
}

/* Memory */

static void make_file(void)
{
	const unsigned char ret = RET;
	unsigned char page[4096];

	need(page_size == sizeof(page), "pages of 4096 bytes");
	memset(page, NOP, sizeof(page));
	page[OWN_INT3] = BREAKPOINT;
	memcpy(page + SLOW, nop10, sizeof(nop10));
	page[SLOW + sizeof(nop10)] = ret;
	text_fd = memfd_create("probed", 0);
	need(text_fd >= 0, "memfd_create");
	need(write(text_fd, page, sizeof(page)) == sizeof(page), "write");
	need(!ftruncate(text_fd, FILE_PAGES * page_size), "ftruncate");
}

/* With a gap on either side, so that nothing merges with it. */
static char *map_file(int prot, size_t pages, off_t offset)
{
	const size_t len = pages * page_size;
	char *at;

	at = mmap(NULL, len + 2 * page_size, PROT_NONE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	need(at != MAP_FAILED, "room for a mapping");
	at += page_size;
	need(mmap(at, len, prot, MAP_PRIVATE | MAP_FIXED, text_fd, offset) == at, "mmap");
	return at;
}

static char *map_text(size_t pages)
{
	return map_file(PROT_READ | PROT_EXEC, pages, 0);
}

static void seal(char *at, size_t pages)
{
	seal_range(at, pages * page_size, 0);
}

static long counter_at(const char *at)
{
	return *(volatile const short *)at;
}

/* Makes two mappings of one; neither protection nor contents change. */
static void split(char *at)
{
	need(!madvise(at, page_size, MADV_RANDOM), "MADV_RANDOM on a part");
}

/* Probes */

static int open_probe(unsigned long offset, unsigned long counter, pid_t pid)
{
	char path[32];
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = uprobe_type(),
		.config = (uint64_t)counter << 32,
		.config1 = (unsigned long)path,
		.config2 = offset,
	};
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", text_fd);
	fd = syscall(__NR_perf_event_open, &attr, pid, pid == EVERYBODY ? 0 : -1, -1,
		     PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int need_probe(unsigned long offset, unsigned long counter, pid_t pid)
{
	const int fd = open_probe(offset, counter, pid);

	errno = fd < 0 ? -fd : 0;
	need(fd >= 0, "a uprobe that nothing refuses");
	return fd;
}

/* One that the policy refuses in some process: it is registered all the same. */
static int want_probe(unsigned long offset, unsigned long counter, pid_t pid)
{
	const int fd = open_probe(offset, counter, pid);

	compare(fd >= 0, "registering", "%s, expected ok", errno_name(fd < 0 ? -fd : 0));
	return fd;
}

static long count_of(int fd)
{
	uint64_t count;

	need(read(fd, &count, sizeof(count)) == sizeof(count), "the count of an event");
	return count;
}

/*
 * The counter of the trace event for these bytes, or NULL for any. NO_FD if this
 * kernel does not have the event.
 */
static int count_left_out(const char *start, size_t len)
{
	static const char path[] = "/sys/kernel/tracing/events/mseal/uprobe_left_out/id";
	struct perf_event_attr attr = { .size = sizeof(attr), .type = PERF_TYPE_TRACEPOINT };
	char filter[80], text[16] = "";
	int fd;

	if (access("/sys/kernel/tracing/events", F_OK))
		need(!mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL),
		     "mounting tracefs");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		note("this kernel has no trace event mseal:uprobe_left_out");
		return NO_FD;
	}
	need(read(fd, text, sizeof(text) - 1) > 0, path);
	close(fd);
	attr.config = atoi(text);
	fd = syscall(__NR_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	need(fd >= 0, "counting the trace event");
	if (start) {
		snprintf(filter, sizeof(filter), "start == 0x%lx && end == 0x%lx",
			 (unsigned long)start, (unsigned long)start + len);
		need(!ioctl(fd, PERF_EVENT_IOC_SET_FILTER, filter), filter);
	}
	return fd;
}

static void want_left_out(int events, long wanted)
{
	want_number("trace events of what was left out", events < 0 ? -1 : count_of(events),
		    wanted);
}

/* Another process that maps the text, begun before there are probes. */

static struct {
	pid_t pid;
	int orders[2], answers[2];
} victim;

static void run_victim(bool sealed)
{
	char *at = map_text(1);
	char order;

	if (sealed)
		seal(at, 1);
	*shared = at;
	need(write(victim.answers[1], "r", 1) == 1, "answering");
	while (read(victim.orders[0], &order, 1) == 1) {
		((void (*)(void))(at + SLOW))();
		need(write(victim.answers[1], "h", 1) == 1, "answering");
	}
	_exit(0);
}

static void wait_for_victim(void)
{
	char answer;

	need(read(victim.answers[0], &answer, 1) == 1, "an answer of the other process");
}

static void start_victim(bool sealed)
{
	need(!pipe(victim.orders) && !pipe(victim.answers), "pipe");
	fflush(stdout);
	victim.pid = fork();
	need(victim.pid >= 0, "fork");
	if (!victim.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(victim.orders[1]);
		close(victim.answers[0]);
		run_victim(sealed);
	}
	close(victim.orders[0]);
	close(victim.answers[1]);
	wait_for_victim();
}

static void hit_in_victim(void)
{
	need(write(victim.orders[1], "h", 1) == 1, "an order");
	wait_for_victim();
}

/* Cases */

/*
 * Nothing is written on the failure path. A probe elsewhere in the page makes
 * the kernel look for breakpoints to remove in this process.
 */
static void own_int3_kept(void)
{
	char *at = map_text(1);
	const int other = need_probe(PROBED, 0, EVERYBODY);
	int fd;

	want_byte("the other probe", at + PROBED, &int3);
	seal(at, 1);
	refuse();
	fd = open_probe(OWN_INT3, 0, EVERYBODY);
	compare(fd < 0, "registering at an int3 of the text", "error %d, expected one",
		fd < 0 ? -fd : 0);
	want_byte("the int3", at + OWN_INT3, &int3);
	close(other);
	want_byte("the other probe, removed", at + PROBED, &nop);
	want_byte("the int3", at + OWN_INT3, &int3);
}

/* The same without a policy: behind the end of the file nothing can be read. */
static void int3_behind_end_kept(void)
{
	const off_t end = page_size - 64;
	char *at;
	int fd;

	need(!ftruncate(text_fd, end), "ftruncate");
	at = map_file(PROT_READ | PROT_WRITE, 1, 0);
	at[end] = BREAKPOINT;
	need(!mprotect(at, page_size, PROT_READ | PROT_EXEC), "mprotect");
	need_probe(PROBED, 0, EVERYBODY);
	want_byte("the other probe", at + PROBED, &int3);
	seal(at, 1);
	fd = open_probe(end, 0, EVERYBODY);
	want_number("registering at the end of the file", fd, -EIO);
	want_byte("the int3 there", at + end, &int3);
}

/* A process without probes: its own breakpoint is not that of a probe. */
static void own_breakpoint_kept(void)
{
	char *at = map_file(PROT_READ | PROT_WRITE, 1, 0);
	int events, fd;

	at[PROBED] = BREAKPOINT;
	need(!mprotect(at, page_size, PROT_READ | PROT_EXEC), "mprotect");
	seal(at, 1);
	events = count_left_out(at + PROBED, 1);
	refuse();
	fd = want_probe(PROBED, 0, EVERYBODY);
	want_byte("the breakpoint", at + PROBED, &int3);
	want_left_out(events, 1);
	close(fd);
	want_byte("the breakpoint after removal", at + PROBED, &int3);
}

static void counter_refused(void)
{
	const unsigned long counter = page_size + 16;
	char *text = map_text(1);
	char *data = map_file(PROT_READ | PROT_WRITE, 1, page_size);
	const int events = count_left_out(data + 16, sizeof(short));
	int fd;

	seal(data, 1);
	refuse();
	fd = want_probe(PROBED, counter, EVERYBODY);
	want_number("the sealed counter", counter_at(data + 16), 0);
	want_byte("the probe without its counter", text + PROBED, &nop);
	want_left_out(events, 1);
	close(fd);
	want_number("the counter after removal", counter_at(data + 16), 0);
}

/* Set a probe that counts in @data, which is of the file's second page. */
static int need_counted_probe(char *text, char *data)
{
	const int fd = need_probe(PROBED, page_size + 16, EVERYBODY);

	want_number("the counter", counter_at(data + 16), 1);
	want_byte("the probe", text + PROBED, &int3);
	return fd;
}

static void counter_kept_at_removal(void)
{
	char *text = map_text(1);
	char *data = map_file(PROT_READ | PROT_WRITE, 1, page_size);
	const int fd = need_counted_probe(text, data);

	seal(data, 1);
	refuse();
	close(fd);
	want_number("the counter, sealed since", counter_at(data + 16), 1);
	want_byte("the probe, removed all the same", text + PROBED, &nop);
}

/* Without a policy: the counter cannot go below 0, but the breakpoint goes. */
static void counter_cleared(void)
{
	char *text = map_text(1);
	char *data = map_file(PROT_READ | PROT_WRITE, 1, page_size);
	const int fd = need_counted_probe(text, data);

	memset(data + 16, 0, sizeof(short));
	close(fd);
	want_number("the counter that the process has cleared", counter_at(data + 16), 0);
	want_byte("the probe, removed all the same", text + PROBED, &nop);
}

static void counter_permitted(void)
{
	char *text = map_text(1);
	char *data = map_file(PROT_READ | PROT_WRITE, 1, page_size);
	int fd;

	seal(text, 1);
	seal(data, 1);
	fd = need_counted_probe(text, data);
	close(fd);
	want_number("the counter after removal", counter_at(data + 16), 0);
	want_byte("the probe, removed", text + PROBED, &nop);
}

/*
 * The counter is not writable when the probe is set, so its increment waits
 * until the kernel next looks at the mapping: when it is split.
 */
static char *delay_counter(int *fd)
{
	char *data = map_file(PROT_READ, 2, page_size);

	*fd = need_probe(PROBED, page_size + 16, EVERYBODY);
	need(!mprotect(data, 2 * page_size, PROT_READ | PROT_WRITE), "mprotect");
	seal_range(data, 2 * page_size, MSEAL_MAP);
	want_number("the counter that waits", counter_at(data + 16), 0);
	return data;
}

static void delayed_counter_refused(void)
{
	char *text = map_text(1);
	int fd, events;
	char *data;

	data = delay_counter(&fd);
	want_byte("the probe", text + PROBED, &int3);
	events = count_left_out(data + 16, sizeof(short));
	refuse();
	split(data);
	want_number("the sealed counter", counter_at(data + 16), 0);
	want_left_out(events, 1);
	permit();
	close(fd);
	want_number("the counter after removal", counter_at(data + 16), 0);
	want_byte("the probe, removed", text + PROBED, &nop);
}

/* fork() copies the breakpoint, but not the note that the counter was not incremented. */
static void delayed_counter_in_child(void)
{
	char *text = map_text(1);
	char *data;
	pid_t pid;
	int fd;

	data = delay_counter(&fd);
	refuse();
	split(data);
	want_number("the sealed counter", counter_at(data + 16), 0);
	fflush(stdout);
	pid = fork();
	need(pid >= 0, "fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* The probe is removed when the last descriptor of it is closed. */
		close(fd);
		for (;;)
			raise(SIGSTOP);
	}
	need(waitpid(pid, NULL, WUNTRACED) == pid, "a child that stops");
	want_bytes("the probe in the child", pid, text + PROBED, &int3, 1);
	permit();
	close(fd);
	want_byte("the probe, removed", text + PROBED, &nop);
	want_bytes("the probe, removed from the child", pid, text + PROBED, &nop, 1);
	need(!kill(pid, SIGKILL) && waitpid(pid, NULL, 0) == pid, "ending the child");
}

static void delayed_counter_permitted(void)
{
	char *text = map_text(1);
	char *data;
	int fd;

	data = delay_counter(&fd);
	split(data);
	want_number("the sealed counter", counter_at(data + 16), 1);
	close(fd);
	want_number("the counter after removal", counter_at(data + 16), 0);
	want_byte("the probe, removed", text + PROBED, &nop);
}

/* A process that refuses does not decide for the others. */
static void one_left_out(void)
{
	char *at = map_text(1);
	int events, fd;

	start_victim(true);
	events = count_left_out(*shared + PROBED, 1);
	refuse();
	fd = want_probe(PROBED, 0, EVERYBODY);
	want_bytes("the sealed text of the other process", victim.pid, *shared + PROBED,
		   &nop, 1);
	want_byte("the text that is not sealed", at + PROBED, &int3);
	want_left_out(events, 1);
	want_byte("the same, mapped later", map_text(1) + PROBED, &int3);
	close(fd);
	want_byte("the probe, removed", at + PROBED, &nop);
	want_bytes("the sealed text after that", victim.pid, *shared + PROBED, &nop, 1);
}

/* A mapping that was left out stays so when the kernel looks at it again. */
static void left_out_when_split(void)
{
	char *at = map_text(2);
	int events;

	seal(at, 2);
	refuse();
	want_probe(PROBED, 0, EVERYBODY);
	want_byte("the sealed text", at + PROBED, &nop);
	events = count_left_out(at + PROBED, 1);
	split(at);
	want_byte("the sealed text, split", at + PROBED, &nop);
	want_left_out(events, 1);
}

static long uprobe_lines(int kmsg)
{
	char line[1024];
	long nr = 0;
	ssize_t len;

	while ((len = read(kmsg, line, sizeof(line) - 1)) > 0) {
		line[len] = '\0';
		nr += strstr(line, "Yama") && strstr(line, "uprobe");
	}
	return nr;
}

/* Nothing is written, so there is nothing to refuse and nothing to log. */
static void probed_is_split(void)
{
	char *at = map_text(2);
	int fds[3], events, kmsg;

	fds[0] = need_probe(PROBED, 0, EVERYBODY);
	fds[1] = need_probe(SLOW, 0, EVERYBODY);
	((void (*)(void))(at + SLOW))();
	want_bytes("the optimised probe", getpid(), at + SLOW, lea_call, sizeof(lea_call));
	seal(at, 2);
	refuse();
	kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	need(kmsg >= 0 && lseek(kmsg, 0, SEEK_END) >= 0, "/dev/kmsg");
	events = count_left_out(NULL, 0);
	split(at);
	fds[2] = want_probe(PROBED, 0, MYSELF);
	want_byte("the probe", at + PROBED, &int3);
	want_bytes("the optimised probe", getpid(), at + SLOW, lea_call, sizeof(lea_call));
	want_left_out(events, 0);
	want_number("lines of the policy", uprobe_lines(kmsg), 0);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	want_byte("the probe, removed", at + PROBED, &nop);
	want_bytes("the optimised probe, removed", getpid(), at + SLOW, nop10, LEA_SIZE);
}

/* The int3 stays, in this process only. */
static void optimisation_refused(void)
{
	char *at = map_text(1);
	int everywhere, mine, events;

	start_victim(false);
	everywhere = need_probe(SLOW, 0, EVERYBODY);
	mine = need_probe(SLOW, 0, MYSELF);
	seal(at, 1);
	events = count_left_out(at + SLOW, sizeof(nop10));
	refuse();
	((void (*)(void))(at + SLOW))();
	want_bytes("sealed, after one hit", getpid(), at + SLOW, int3_nop10, sizeof(int3_nop10));
	((void (*)(void))(at + SLOW))();
	want_bytes("sealed, after two", getpid(), at + SLOW, int3_nop10, sizeof(int3_nop10));
	want_number("hits", count_of(mine), 2);
	want_left_out(events, 1);
	hit_in_victim();
	want_bytes("another process, not sealed", victim.pid, *shared + SLOW, lea_call,
		   sizeof(lea_call));
	close(mine);
	close(everywhere);
	want_bytes("sealed, removed", getpid(), at + SLOW, nop10, sizeof(nop10));
	want_bytes("another process, removed", victim.pid, *shared + SLOW, nop10, LEA_SIZE);
}

/* Without a policy sealed text is probed as any other. */
static void default_permits(void)
{
	char *at = map_text(1);
	int fd;

	seal(at, 1);
	fd = need_probe(SLOW, 0, MYSELF);
	want_byte("the probe", at + SLOW, &int3);
	((void (*)(void))(at + SLOW))();
	want_bytes("optimised", getpid(), at + SLOW, lea_call, sizeof(lea_call));
	((void (*)(void))(at + SLOW))();
	want_number("hits", count_of(fd), 2);
	close(fd);
	want_bytes("removed", getpid(), at + SLOW, nop10, LEA_SIZE);
}

static const struct probe_case cases[] = {
	{ "no policy: sealed text is probed and optimised", default_permits },
	{ "failed registration: an int3 of the text is kept", own_int3_kept },
	{ "failed registration: an int3 behind the end of the file is kept",
	  int3_behind_end_kept },
	{ "a breakpoint of the process itself is kept", own_breakpoint_kept },
	{ "counter: refused, no probe either", counter_refused },
	{ "counter: sealed since, kept when the probe is removed", counter_kept_at_removal },
	{ "counter: cleared by the process, the probe is removed", counter_cleared },
	{ "counter: permitted", counter_permitted },
	{ "delayed counter: refused", delayed_counter_refused },
	{ "delayed counter: refused, removed from a child too", delayed_counter_in_child },
	{ "delayed counter: permitted", delayed_counter_permitted },
	{ "registration: a process that refuses is left out, others are not", one_left_out },
	{ "left out: also when it is split", left_out_when_split },
	{ "probed, then sealed and split: nothing is refused", probed_is_split },
	{ "optimisation: refused, the breakpoint stays in that process", optimisation_refused },
};

static int run_case(const void *arg)
{
	const struct probe_case *c = arg;

	permit();
	make_file();
	c->run();
	return wrong ? KSFT_FAIL : KSFT_PASS;
}

int main(void)
{
	page_size = sysconf(_SC_PAGESIZE);
	ksft_print_header();
#ifndef __x86_64__
	ksft_exit_skip("the instructions are those of x86_64\n");
#endif
	if (uprobe_type() < 0)
		ksft_exit_skip("this kernel has no uprobes for perf_event_open()\n");
	if (access(scope_path, F_OK))
		ksft_exit_skip("this kernel has no %s\n", scope_path);
	if (!write_scope("0"))
		ksft_exit_skip("%s cannot be set to 0: %s\n", scope_path, strerror(errno));

	shared = init_cases(sizeof(*shared));
	ksft_set_plan(ARRAY_SIZE(cases));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const int code = end_case(start_case(run_case, &cases[i]));

		/* A case that failed may have left it. */
		if (!write_scope("0"))
			ksft_exit_fail_msg("%s: %s\n", scope_path, strerror(errno));
		report_case(cases[i].name, code);
	}
	ksft_finished();
}
