// SPDX-License-Identifier: GPL-2.0-only
/*
 * sysmap-movable: leave a program out of kernel.mseal_system_mappings=1.
 *
 * At level 1 the kernel seals the vdso and the other system mappings in each
 * program that starts, except in programs that opt out because they have to move
 * or unmap them. A program opts out by a bit in the flags of the PT_GNU_STACK
 * header of its file, which --set and --clear change, or by a personality that it
 * inherits, which --run sets. Level 2 seals the mappings in these programs, too.
 *
 * Only the four bytes of these flags are ever written. A linker script can set the
 * bit as well:
 *
 *	PHDRS {
 *		text PT_LOAD;
 *		stack PT_GNU_STACK FLAGS(0x00800006);
 *	}
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <linux/elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <unistd.h>

/* include/uapi/linux/elf.h, include/uapi/linux/personality.h */
#ifndef PF_SYSMAP_NOSEAL
#define PF_SYSMAP_NOSEAL	0x00800000
#endif
#define PERSONALITY_BIT		0x10000000UL	/* ADDR_SYSMAP_NOSEAL */

#define LEVEL_FILE	"/proc/sys/kernel/mseal_system_mappings"

enum action { NONE, SHOW, SET, CLEAR, RUN };

/* The parts of the ELF header that are needed, for both classes. */
struct elf {
	bool is64, big;
	__u64 phoff;
	unsigned int phentsize, phnum;
};

static __u16 get16(const struct elf *elf, __u16 value)
{
	return elf->big ? be16toh(value) : le16toh(value);
}

static __u32 get32(const struct elf *elf, __u32 value)
{
	return elf->big ? be32toh(value) : le32toh(value);
}

static __u64 get64(const struct elf *elf, __u64 value)
{
	return elf->big ? be64toh(value) : le64toh(value);
}

static __u32 put32(const struct elf *elf, __u32 value)
{
	return elf->big ? htobe32(value) : htole32(value);
}

static int complain(const char *file, const char *what)
{
	fprintf(stderr, "sysmap-movable: %s: %s\n", file, what);
	return -1;
}

/* Reads all of it or fails. */
static int read_at(int fd, const char *file, void *buf, size_t len, __u64 at)
{
	ssize_t n;

	/* As an off_t it would be negative. */
	if (at > LLONG_MAX - len)
		return complain(file, "is cut off: its headers end behind the file");
	n = pread(fd, buf, len, at);
	if (n < 0)
		return complain(file, strerror(errno));
	if ((size_t)n < len)
		return complain(file, "is cut off: its headers end behind the file");
	return 0;
}

static int read_header(int fd, const char *file, struct elf *elf)
{
	union {
		unsigned char ident[EI_NIDENT];
		struct elf32_hdr e32;
		struct elf64_hdr e64;
	} header;
	unsigned int type, want;
	ssize_t n;

	n = pread(fd, header.ident, sizeof(header.ident), 0);
	if (n < 0)
		return complain(file, strerror(errno));
	if (n < SELFMAG || memcmp(header.ident, ELFMAG, SELFMAG))
		return complain(file, "is no ELF file; of a script, the interpreter counts");
	if (n < EI_NIDENT)
		return complain(file, "is cut off: its headers end behind the file");
	if (header.ident[EI_CLASS] != ELFCLASS32 && header.ident[EI_CLASS] != ELFCLASS64)
		return complain(file, "is neither a 32-bit nor a 64-bit ELF file");
	if (header.ident[EI_DATA] != ELFDATA2LSB && header.ident[EI_DATA] != ELFDATA2MSB)
		return complain(file, "has no byte order that is known");

	elf->is64 = header.ident[EI_CLASS] == ELFCLASS64;
	elf->big = header.ident[EI_DATA] == ELFDATA2MSB;
	if (elf->is64) {
		if (read_at(fd, file, &header.e64, sizeof(header.e64), 0))
			return -1;
		type = get16(elf, header.e64.e_type);
		elf->phoff = get64(elf, header.e64.e_phoff);
		elf->phentsize = get16(elf, header.e64.e_phentsize);
		elf->phnum = get16(elf, header.e64.e_phnum);
		want = sizeof(struct elf64_phdr);
	} else {
		if (read_at(fd, file, &header.e32, sizeof(header.e32), 0))
			return -1;
		type = get16(elf, header.e32.e_type);
		elf->phoff = get32(elf, header.e32.e_phoff);
		elf->phentsize = get16(elf, header.e32.e_phentsize);
		elf->phnum = get16(elf, header.e32.e_phnum);
		want = sizeof(struct elf32_phdr);
	}
	if (type != ET_EXEC && type != ET_DYN)
		return complain(file, "is an ELF file, but not a program");
	if (!elf->phnum)
		return complain(file, "has no program headers");
	/* The kernel does not run such a program either. */
	if (elf->phentsize != want || elf->phnum * want > 65536)
		return complain(file, "has program headers of a size that no kernel takes");
	return 0;
}

/*
 * Find the PT_GNU_STACK that decides, which is the last one: its flags, and where
 * in the file they are.
 */
static int find_flags(int fd, const char *file, const struct elf *elf,
		      __u32 *flags, __u64 *at)
{
	bool found = false;
	unsigned int i;

	for (i = 0; i < elf->phnum; i++) {
		const __u64 offset = elf->phoff + (__u64)i * elf->phentsize;
		union {
			struct elf32_phdr p32;
			struct elf64_phdr p64;
		} header;

		if (offset < elf->phoff)
			return complain(file, "is cut off: its headers end behind the file");
		if (read_at(fd, file, &header, elf->phentsize, offset))
			return -1;
		/* The type comes first in both classes. */
		if (get32(elf, header.p32.p_type) != PT_GNU_STACK)
			continue;
		found = true;
		if (elf->is64) {
			*flags = get32(elf, header.p64.p_flags);
			*at = offset + offsetof(struct elf64_phdr, p_flags);
		} else {
			*flags = get32(elf, header.p32.p_flags);
			*at = offset + offsetof(struct elf32_phdr, p_flags);
		}
	}
	if (!found)
		return complain(file, "has no PT_GNU_STACK to mark; link it with -z noexecstack");
	return 0;
}

static int work_on(int fd, const char *file, enum action action)
{
	__u32 flags, wanted, raw;
	struct elf elf;
	struct stat st;
	__u64 at;

	if (fstat(fd, &st))
		return complain(file, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return complain(file, "is not a regular file");
	if (read_header(fd, file, &elf) || find_flags(fd, file, &elf, &flags, &at))
		return -1;

	if (action == SHOW) {
		printf("%s: %s\n", file,
		       flags & PF_SYSMAP_NOSEAL ? "movable" : "not movable");
		return 0;
	}
	wanted = action == SET ? flags | PF_SYSMAP_NOSEAL : flags & ~PF_SYSMAP_NOSEAL;
	if (wanted == flags)
		return 0;
	raw = put32(&elf, wanted);
	if (pwrite(fd, &raw, sizeof(raw), at) != sizeof(raw))
		return complain(file, strerror(errno));
	return 0;
}

static int work_on_file(const char *file, enum action action)
{
	int fd, ret;

	/* O_NONBLOCK: a FIFO would wait for its other end. */
	fd = open(file, (action == SHOW ? O_RDONLY : O_RDWR) | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return complain(file, errno == ETXTBSY ?
				"is running; copy it, mark the copy and rename that" :
				strerror(errno));
	ret = work_on(fd, file, action);
	if (close(fd) && !ret)
		ret = complain(file, strerror(errno));
	return ret;
}

static int run(char **argv)
{
	char level[2] = "";
	int fd, persona;

	fd = open(LEVEL_FILE, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (read(fd, level, 1) == 1 && level[0] == '2')
			complain("warning", "at level 2 (" LEVEL_FILE ") nobody is left out");
		close(fd);
	}
	persona = personality(0xffffffff);
	if (persona == -1 || personality((unsigned int)persona | PERSONALITY_BIT) == -1) {
		complain("personality", strerror(errno));
		return 126;
	}
	execvp(argv[0], argv);
	complain(argv[0], strerror(errno));
	return errno == ENOENT ? 127 : 126;
}

static void explain(FILE *to)
{
	fputs("usage: sysmap-movable --show FILE...\n"
	      "       sysmap-movable --set FILE...\n"
	      "       sysmap-movable --clear FILE...\n"
	      "       sysmap-movable --run PROGRAM [ARGUMENT...]\n"
	      "\n"
	      "Leave programs out of kernel.mseal_system_mappings=1, which seals the vdso:\n"
	      "  --show    say whether the program asks for it, by a mark in its file\n"
	      "  --set     set the mark; a set-user-ID bit or file capabilities may get lost,\n"
	      "            as whenever such a file is written\n"
	      "  --clear   remove the mark\n"
	      "  --run     run a program without any mark, and all that it starts, this way;\n"
	      "            set-user-ID programs do not inherit it\n", to);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "show",	no_argument, NULL, SHOW },
		{ "set",	no_argument, NULL, SET },
		{ "clear",	no_argument, NULL, CLEAR },
		{ "run",	no_argument, NULL, RUN },
		{ "help",	no_argument, NULL, 'h' },
		{}
	};
	enum action action = NONE;
	int i, c, status = 0;

	/* "+": options after the program's name belong to the program. */
	while ((c = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
		if (c == 'h') {
			explain(stdout);
			return 0;
		}
		if (c == '?' || action != NONE) {
			explain(stderr);
			return 2;
		}
		action = c;
		if (action == RUN)
			break;
	}
	if (action == NONE || optind == argc) {
		explain(stderr);
		return 2;
	}
	if (action == RUN) {
		if (!strcmp(argv[optind], "--"))
			optind++;
		if (optind == argc) {
			explain(stderr);
			return 2;
		}
		return run(argv + optind);
	}
	for (i = optind; i < argc; i++)
		if (work_on_file(argv[i], action))
			status = 1;
	if (fflush(stdout) || ferror(stdout))
		status = 1;
	return status;
}
