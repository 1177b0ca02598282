/* SPDX-License-Identifier: GPL-2.0 */
/* What the BPF program (forced_write.bpf.c) and its loader (forced_write.c) share. */
#ifndef FORCED_WRITE_H
#define FORCED_WRITE_H

/* Cgroups that one policy can name. */
#define FW_MAX_CGROUPS		16
/* Executables that one policy can name. */
#define FW_MAX_BINARIES		64

#define FW_COMM_LEN		16
#define FW_NAME_LEN		48

/* An executable as the kernel knows it: device in its own encoding, inode. */
struct fw_binary {
	unsigned long long ino;
	unsigned int dev;
	unsigned int unused;
};

/* The role of an executable that makes the policy apply; the values of the map. */
#define FW_BINARY_TARGET	1	/* the memory's owner runs it */
#define FW_BINARY_WRITER	2	/* the writer runs it */

/* The user that opened the descriptor, or attached, that makes the policy apply */
enum fw_opener {
	FW_OPENER_UNUSED,	/* the opener does not matter */
	FW_OPENER_OTHER,	/* another user than the writer */
	FW_OPENER_USER,		/* this user */
};

/* The policy. The loader fills it in before the program is loaded. */
struct fw_policy {
	/* The policy covers mappings with one of these in their vm_flags... */
	unsigned long long covered;
	/* ... and with this set also all others that the hook is called for. */
	unsigned char all;
	/* The access paths: one bit for each value of enum forced_write_origin. */
	unsigned long long origins;
	unsigned int nr_cgroups;
	unsigned int nr_targets;
	unsigned int nr_writers;
	unsigned int opener_user;
	unsigned char opener;		/* enum fw_opener */
	unsigned char allow_tracer;
	unsigned char dry_run;
	unsigned char log;
};

enum fw_verdict {
	FW_REFUSED,
	FW_DRY_RUN,		/* would have been refused */
	FW_TRACER,		/* permitted to a debugger */
};

struct fw_event {
	unsigned long long start;
	unsigned long long end;
	unsigned long long vm_flags;
	unsigned long long cgroup;	/* of the writer, its version 2 ID */
	unsigned long long flags;	/* of mseal() */
	unsigned int tgid;
	unsigned int pid;
	int origin;			/* -1: mseal() */
	long long opener;		/* user; -1: there is none */
	unsigned char verdict;
	unsigned char tracer;
	char comm[FW_COMM_LEN];		/* of the writer */
	char exe[FW_NAME_LEN];		/* of the memory's owner; last component */
	char file[FW_NAME_LEN];		/* that is mapped there; last component */
};

#endif
