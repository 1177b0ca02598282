// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shared by the tests of mseal(2): the seals as the design defines them, and
 * helpers that show what a range of addresses looks like.
 *
 * Nothing here is taken from the kernel's own tables: a test that used them
 * would agree with any mistake in them.
 */
#include "mseal_attr.h"

unsigned int seals_of(unsigned long flags)
{
	unsigned int seals = 0;

	if (!flags)
		return SEAL_MAP | SEAL_PROT | SEAL_DISCARD_WEAK;
	if (flags & MSEAL_MAP)
		seals |= SEAL_MAP;
	if (flags & MSEAL_PROT)
		seals |= SEAL_PROT;
	if (flags & MSEAL_DISCARD)
		seals |= SEAL_DISCARD_WEAK | SEAL_DISCARD;
	return seals;
}

/* What VmFlags shows of a set of seals, in a fixed order. */
const char *codes_of(unsigned int seals)
{
	static const char *const codes[16] = {
		[0] = "",
		[SEAL_MAP] = "lm",
		[SEAL_PROT] = "lp",
		[SEAL_MAP | SEAL_PROT] = "lm lp",
		[SEAL_MAP | SEAL_PROT | SEAL_DISCARD_WEAK] = "lm lp sl",
		[SEAL_DISCARD_WEAK | SEAL_DISCARD] = "ld",
		[SEAL_MAP | SEAL_DISCARD_WEAK | SEAL_DISCARD] = "lm ld",
		[SEAL_PROT | SEAL_DISCARD_WEAK | SEAL_DISCARD] = "lp ld",
		[SEAL_MAP | SEAL_PROT | SEAL_DISCARD_WEAK | SEAL_DISCARD] = "lm lp ld sl",
	};

	return codes[seals] ? codes[seals] : "no such set of seals";
}

const char *flags_name(unsigned long flags)
{
	static const char *const names[] = {
		"flags 0", "MAP", "PROT", "MAP|PROT", "DISCARD", "MAP|DISCARD",
		"PROT|DISCARD", "MAP|PROT|DISCARD",
	};

	return flags < 8 ? names[flags] : "unknown flags";
}

const char *errno_name(int err)
{
	const char *name = err ? strerrorname_np(err) : "ok";

	return name ? name : "?";
}

int sys_mseal(const void *addr, size_t len, unsigned long flags)
{
	return syscall(__NR_mseal, addr, len, flags) ? errno : 0;
}

bool vma_has_flag(const struct vma *vma, const char *flag)
{
	const char *at = strstr(vma->flags, flag);

	return at && at[-1] == ' ' && at[2] == ' ';
}

/* Read a file of /proc into a buffer that is valid until the next call. */
char *read_proc(const char *path)
{
	static char buf[1 << 20];
	size_t len = 0;
	ssize_t n = -1;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		while ((n = read(fd, buf + len, sizeof(buf) - 1 - len)) > 0)
			len += n;
		close(fd);
	}
	if (n < 0 || len == sizeof(buf) - 1) {
		fprintf(stderr, "# cannot read %s\n", path);
		_exit(1);
	}
	buf[len] = '\0';
	return buf;
}

/* Write a text to a file of /proc, /sys or the like. Returns 0 or the error. */
int write_proc(const char *path, const char *text)
{
	const ssize_t len = strlen(text);
	ssize_t put;
	int fd, err;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	put = write(fd, text, len);
	err = put < 0 ? errno : put == len ? 0 : EIO;
	close(fd);
	return err;
}

/*
 * Read the VMAs that overlap one of some ranges, lowest first. Returns how many
 * there are; the first max of them are in vmas. They are zero after the end of
 * each string, so that memcmp() can compare two of them.
 */
int read_vmas_of(const struct range *ranges, int nr_ranges,
		 struct vma *vmas, int max)
{
	static const char *const codes[] = { "lm", "lp", "ld", "sl" };
	char *line, *next;
	struct vma vma;
	bool in = false;
	int nr = 0;

	for (line = read_proc("/proc/self/smaps"); *line; line = next) {
		next = strchrnul(line, '\n');
		if (*next)
			*next++ = '\0';

		if (line[0] < 'A' || line[0] > 'Z') {
			memset(&vma, 0, sizeof(vma));
			in = false;
			if (sscanf(line, "%lx-%lx %4s", &vma.start, &vma.end,
				   vma.perms) != 3)
				continue;
			for (int i = 0; i < nr_ranges; i++)
				in |= vma.start < (unsigned long)ranges[i].end &&
				      vma.end > (unsigned long)ranges[i].start;
			continue;
		}
		if (!in || strncmp(line, "VmFlags:", 8))
			continue;

		snprintf(vma.flags, sizeof(vma.flags), "%s", line + 8);
		for (size_t i = 0; i < 4; i++) {
			if (!vma_has_flag(&vma, codes[i]))
				continue;
			if (vma.codes[0])
				strcat(vma.codes, " ");
			strcat(vma.codes, codes[i]);
		}
		if (nr < max)
			vmas[nr] = vma;
		nr++;
	}
	return nr;
}

int read_vmas(const char *start, const char *end, struct vma *vmas, int max)
{
	const struct range range = { start, end };

	return read_vmas_of(&range, 1, vmas, max);
}

void peek_all(const char *const *addrs, int nr, struct peeked *p)
{
	static __thread int fds[2] = { -1, -1 };
	uint64_t words[MAX_PEEKS];
	struct iovec vec[MAX_PEEKS];
	const ssize_t len = nr * sizeof(words[0]);
	ssize_t put;

	if (!nr)
		return;
	if (fds[0] < 0 && pipe2(fds, O_CLOEXEC))
		goto fail;
	for (int i = 0; i < nr; i++) {
		vec[i].iov_base = (void *)addrs[i];
		vec[i].iov_len = sizeof(words[0]);
	}

	put = writev(fds[1], vec, nr);
	if (put == len) {
		if (read(fds[0], words, len) != len)
			goto fail;
		for (int i = 0; i < nr; i++) {
			p[i].word = words[i];
			p[i].err = 0;
		}
		return;
	}
	if (put >= 0 || errno != EFAULT)
		goto fail;
	if (nr == 1) {
		p->word = 0;
		p->err = EFAULT;
		return;
	}
	peek_all(addrs, nr / 2, p);
	peek_all(addrs + nr / 2, nr - nr / 2, p + nr / 2);
	return;
fail:
	fprintf(stderr, "# cannot use a pipe: %s\n", strerror(errno));
	_exit(1);
}

struct peeked peek(const char *addr)
{
	struct peeked p;

	peek_all(&addr, 1, &p);
	return p;
}

/* The number in a file of /proc or /sys, or -1 if it cannot be read. */
int read_number(const char *path)
{
	char text[16] = "";
	int fd, number = -1;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (read(fd, text, sizeof(text) - 1) > 0)
		number = atoi(text);
	close(fd);
	return number;
}

/* The type of uprobes for perf_event_open(), or -1 if there are none. */
int uprobe_type(void)
{
	return read_number("/sys/bus/event_source/devices/uprobe/type");
}
