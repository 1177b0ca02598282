/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Forced writes: writes that honour neither the protection nor the seals of a
 * mapping, because they do not go through it.
 *
 * The LSMs check each forced write to a mapping that is sealed (see
 * linux/vma_attr.h) or not writable, before it is done. The policies that they
 * offer are described in Documentation/admin-guide/LSM/mseal.rst.
 *
 * The writer is current. Writes by a descriptor and by ptrace have an opener too:
 * the credentials with which the descriptor was opened, or the tracer attached.
 * Both survive an exec that changes the credentials of the writer.
 *
 * The check and the write are done under one lock, the mmap lock or the VMA
 * lock of the target, and mseal(2) takes both for writing. So a forced write
 * that was permitted before the seal also lands before it.
 *
 * security.h includes this header, so it pulls in no other.
 */
#ifndef _LINUX_FORCED_WRITE_H
#define _LINUX_FORCED_WRITE_H

struct cred;
struct mm_struct;
struct vm_area_struct;

/**
 * enum forced_write_origin - The access path of a forced write
 * @FORCED_WRITE_NONE: not a forced write
 * @FORCED_WRITE_PROC_MEM: write() to /proc/PID/mem
 * @FORCED_WRITE_PTRACE: PTRACE_POKETEXT, PTRACE_POKEDATA and their counterparts
 *	of the architectures
 * @FORCED_WRITE_PROCESS_VM: process_vm_writev(); it honours the protection, so
 *	the mapping is sealed
 * @FORCED_WRITE_UPROBE: inserting the breakpoint of a uprobe, or on x86 the call
 *	that replaces it, or changing its reference counter in either direction.
 *	If refused, the mapping is left out, and no error is returned. Removing
 *	the breakpoint or the call is not checked
 * @FORCED_WRITE_UFFD_REGISTER: UFFDIO_REGISTER in any mode, because UFFDIO_COPY
 *	works in all of them
 * @FORCED_WRITE_UFFD_COPY: UFFDIO_COPY
 * @FORCED_WRITE_UFFD_ZEROPAGE: UFFDIO_ZEROPAGE
 * @FORCED_WRITE_UFFD_CONTINUE: UFFDIO_CONTINUE
 * @FORCED_WRITE_UFFD_POISON: UFFDIO_POISON
 * @FORCED_WRITE_UFFD_MOVE_FROM: UFFDIO_MOVE, which empties its source
 * @FORCED_WRITE_UFFD_MOVE_TO: UFFDIO_MOVE, which fills its destination
 * @NR_FORCED_WRITE_ORIGINS: number of values
 *
 * Policies tell the access paths apart, so each has its own value. BPF programs
 * find the values by name.
 */
enum forced_write_origin {
	FORCED_WRITE_NONE,
	FORCED_WRITE_PROC_MEM,
	FORCED_WRITE_PTRACE,
	FORCED_WRITE_PROCESS_VM,
	FORCED_WRITE_UPROBE,
	FORCED_WRITE_UFFD_REGISTER,
	FORCED_WRITE_UFFD_COPY,
	FORCED_WRITE_UFFD_ZEROPAGE,
	FORCED_WRITE_UFFD_CONTINUE,
	FORCED_WRITE_UFFD_POISON,
	FORCED_WRITE_UFFD_MOVE_FROM,
	FORCED_WRITE_UFFD_MOVE_TO,
	NR_FORCED_WRITE_ORIGINS
};

/*
 * Convert an origin to the FOLL_* flags of GUP that carry it, and back. For
 * callers that leave the look-up of the mapping to GUP; these have no opener.
 */
#define FOLL_ORIGIN(origin)	((origin) << FOLL_ORIGIN_SHIFT)
#define FOLL_ORIGIN_OF(gup_flags)					\
	((enum forced_write_origin)(((gup_flags) & FOLL_ORIGIN_MASK) >>	\
				    FOLL_ORIGIN_SHIFT))

int access_remote_vm_forced(struct mm_struct *mm, unsigned long addr, void *buf,
			    int len, unsigned int gup_flags,
			    enum forced_write_origin origin,
			    const struct cred *opener);

#ifdef CONFIG_SECURITY

const char *forced_write_origin_name(enum forced_write_origin origin);
int vma_forced_write(struct vm_area_struct *vma, unsigned long start,
		     unsigned long end, enum forced_write_origin origin,
		     const struct cred *opener);

#else

static inline int vma_forced_write(struct vm_area_struct *vma,
				   unsigned long start, unsigned long end,
				   enum forced_write_origin origin,
				   const struct cred *opener)
{
	return 0;
}

#endif /* CONFIG_SECURITY */

#endif /* _LINUX_FORCED_WRITE_H */
