// SPDX-License-Identifier: GPL-2.0-only
/*
 * kernel.mseal_audit: a refused call has an audit record that says which mapping refused
 * it, by which seal. Nothing listens to audit in the guests, so the records are in the
 * kernel log. The tests need root, and turn auditing on.
 */
#include "kselftest_harness.h"

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "mseal_attr.h"

#define SYSCTL		"/proc/sys/kernel/mseal_audit"
#define RECORD		"type=1704 "
/* Records take a moment: a thread of the kernel writes them. */
#define PATIENCE_MS	10000

static int write_sysctl(const char *value)
{
	return write_proc(SYSCTL, value);
}

/* As auditctl -e 1. */
static int enable_audit(void)
{
	struct {
		struct nlmsghdr head;
		struct audit_status status;
	} msg = {
		.head = {
			.nlmsg_len = sizeof(msg),
			.nlmsg_type = AUDIT_SET,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		},
		.status = { .mask = AUDIT_STATUS_ENABLED, .enabled = 1 },
	};
	struct {
		struct nlmsghdr head;
		struct nlmsgerr err;
		char more[256];
	} reply;
	int fd, err = -EIO;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);
	if (fd < 0)
		return -errno;
	if (send(fd, &msg, sizeof(msg), 0) == sizeof(msg) &&
	    recv(fd, &reply, sizeof(reply), 0) >= (ssize_t)sizeof(reply.head) + 4 &&
	    reply.head.nlmsg_type == NLMSG_ERROR)
		err = reply.err.error;
	close(fd);
	return err;
}

FIXTURE(audit) {
	int kmsg;
	size_t page;
	char *at;
};

FIXTURE_SETUP(audit)
{
	int err;

	if (access(SYSCTL, F_OK))
		SKIP(return, "no " SYSCTL " in this kernel");
	if (geteuid())
		SKIP(return, "not root");
	err = enable_audit();
	if (err)
		SKIP(return, "audit cannot be turned on: %s", strerror(-err));
	/* Else the kernel log drops records for reasons of its own. */
	ASSERT_EQ(0, write_proc("/proc/sys/kernel/printk_ratelimit", "0"));
	self->page = sysconf(_SC_PAGESIZE);
	self->kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ASSERT_LE(0, self->kmsg);
	ASSERT_EQ(0, lseek(self->kmsg, 0, SEEK_END));
	self->at = mmap(NULL, 2 * self->page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->at);
	ASSERT_EQ(0, sys_mseal(self->at, self->page, MSEAL_MAP | MSEAL_DISCARD));
}

FIXTURE_TEARDOWN(audit)
{
	write_sysctl("0");
	close(self->kmsg);
}

/* The next record in the kernel log; "" if none comes in time. */
static const char *next_record(int kmsg, int ms)
{
	static char line[4096];
	struct pollfd fd = { .fd = kmsg, .events = POLLIN };
	ssize_t n;

	for (;;) {
		n = read(kmsg, line, sizeof(line) - 1);
		if (n > 0) {
			line[n] = '\0';
			if (strstr(line, RECORD))
				return line;
		} else if (n < 0 && errno == EAGAIN) {
			if (poll(&fd, 1, ms) != 1)
				return "";
		} else if (n < 0 && errno != EPIPE) {
			return "";
		}
	}
}

TEST_F(audit, says_which_and_why)
{
	char want[256];
	const char *line;

	ASSERT_EQ(0, write_sysctl("1"));
	ASSERT_EQ(-1, munmap(self->at, 2 * self->page));
	ASSERT_EQ(EPERM, errno);

	line = next_record(self->kmsg, PATIENCE_MS);
	snprintf(want, sizeof(want),
		 "op=unmap start=0x%lx end=0x%lx vma=0x%lx-0x%lx opid=%d seals=map,discard refused_by=map path=? dev=? ino=?",
		 (long)self->at, (long)(self->at + 2 * self->page), (long)self->at,
		 (long)(self->at + self->page), getpid());
	EXPECT_NE(NULL, strstr(line, want)) {
		TH_LOG("record: %s", line);
		TH_LOG("wanted: %s", want);
	}
	snprintf(want, sizeof(want), " pid=%d ", getpid());
	EXPECT_NE(NULL, strstr(line, want));
	EXPECT_NE(NULL, strstr(line, " res=0"));
}

TEST_F(audit, names_the_file)
{
	const char *line;
	char *at;
	int fd;

	fd = memfd_create("two words", MFD_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, self->page));
	at = mmap(NULL, self->page, PROT_READ, MAP_PRIVATE, fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	ASSERT_EQ(0, sys_mseal(at, self->page, MSEAL_PROT));
	ASSERT_EQ(0, write_sysctl("1"));
	ASSERT_EQ(-1, mprotect(at, self->page, PROT_NONE));

	line = next_record(self->kmsg, PATIENCE_MS);
	EXPECT_NE(NULL, strstr(line, "op=protect "));
	/* With a blank it is in hexadecimal, so it cannot look like another field. */
	EXPECT_NE(NULL, strstr(line, " path=2F6D656D66643A74776F20776F726473")) {
		TH_LOG("record: %s", line);
	}
	close(fd);
}

/* No record when it is off, or when a call is not refused by a seal. */
TEST_F(audit, only_when_wanted)
{
	ASSERT_EQ(0, write_sysctl("0"));
	ASSERT_EQ(-1, munmap(self->at, self->page));
	ASSERT_EQ(0, write_sysctl("1"));
	ASSERT_EQ(0, mprotect(self->at, self->page, PROT_READ));
	ASSERT_EQ(-1, munmap(self->at + 1, self->page));
	ASSERT_EQ(EINVAL, errno);
	/* This one has a record, and no other comes before it. */
	ASSERT_EQ(-1, madvise(self->at, self->page, MADV_DONTNEED));
	EXPECT_NE(NULL, strstr(next_record(self->kmsg, PATIENCE_MS), "op=discard "));
}

/* A program in a loop does not fill the log. */
TEST_F(audit, limited)
{
	const char *line;
	int nr = 0;

	ASSERT_EQ(0, write_sysctl("1"));
	for (int i = 0; i < 100; i++)
		ASSERT_EQ(-1, munmap(self->at, self->page));
	/* The last record that is not suppressed: then a second is silent. */
	while (*(line = next_record(self->kmsg, nr ? 1000 : PATIENCE_MS)))
		nr++;
	TH_LOG("%d records of 100 refusals", nr);
	EXPECT_LT(0, nr);
	/* Twice the burst, if the interval ended meanwhile. */
	EXPECT_GE(20, nr);
}

TEST_F(audit, sysctl)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2];
	int status;
	pid_t pid;

	EXPECT_EQ(EINVAL, write_sysctl("2"));
	EXPECT_EQ(EINVAL, write_sysctl("-1"));
	EXPECT_EQ(0, write_sysctl("1"));

	pid = fork();
	if (!pid) {
		syscall(SYS_capget, &head, caps);
		caps[CAP_AUDIT_CONTROL / 32].effective &= ~(1U << CAP_AUDIT_CONTROL % 32);
		syscall(SYS_capset, &head, caps);
		_exit(write_sysctl("0"));
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(EPERM, WEXITSTATUS(status));
}

/*
 * System mappings: the log says that they are sealed, without audit
 */

#define LEVEL		"/proc/sys/kernel/mseal_system_mappings"
#define UNMAP_VDSO	"--unmap-vdso"

/* Returns the error of munmap(), or above 200 if there is no vDSO. */
static int unmap_vdso(void)
{
	const unsigned long vdso = getauxval(AT_SYSINFO_EHDR);

	if (!vdso)
		return 201;
	return munmap((void *)vdso, sysconf(_SC_PAGESIZE)) ? errno : 0;
}

TEST(system_mapping_is_logged)
{
	const int kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char old[8] = "", want[128], line[4096];
	int fd, status;
	bool found = false;
	ssize_t n;
	pid_t pid;

	fd = open(LEVEL, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || geteuid())
		SKIP(return, "no " LEVEL " in this kernel, or not root");
	ASSERT_LT(0, read(fd, old, sizeof(old) - 1));
	close(fd);
	ASSERT_LE(0, kmsg);
	ASSERT_EQ(0, lseek(kmsg, 0, SEEK_END));
	ASSERT_EQ(0, write_proc(LEVEL, "1"));

	pid = fork();
	if (!pid) {
		/* A name that could look like another line, or like the end of the name. */
		execl("/proc/self/exe", "mseal_audit_test", UNMAP_VDSO, NULL);
		_exit(202);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	write_proc(LEVEL, old);
	if (WEXITSTATUS(status) == 201)
		SKIP(return, "no vDSO here");
	ASSERT_EQ(EPERM, WEXITSTATUS(status));

	/*
	 * printk() is done when the system call returns. The name is quoted, and /dev/kmsg
	 * doubles its backslashes.
	 */
	snprintf(want, sizeof(want),
		 "mseal: unmap of [vdso] by \"a\\x5cx22\\x5cx0ab\"[%d] was refused, see kernel.mseal_system_mappings\n",
		 pid);
	while ((n = read(kmsg, line, sizeof(line) - 1)) > 0 || errno == EPIPE) {
		line[n > 0 ? n : 0] = '\0';
		if (strstr(line, "mseal: unmap")) {
			found = strstr(line, want);
			TH_LOG("%s", line);
		}
	}
	EXPECT_TRUE(found)
		TH_LOG("wanted: %s", want);
	close(kmsg);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], UNMAP_VDSO)) {
		prctl(PR_SET_NAME, "a\"\nb");
		return unmap_vdso();
	}
	return test_harness_run(argc, argv);
}
