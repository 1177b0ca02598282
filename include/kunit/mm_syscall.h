/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * System calls for built-in tests. They go through the same entry point as those
 * of user space, which takes the user's registers on some architectures.
 */
#ifndef _KUNIT_MM_SYSCALL_H
#define _KUNIT_MM_SYSCALL_H

#include <linux/syscalls.h>

#if defined(CONFIG_ARCH_HAS_SYSCALL_WRAPPER)

#include <asm/syscall.h>

#if defined(CONFIG_X86_64)
#define KUNIT_MM_SYSCALL_SYMBOL(name)	__x64_sys_##name
#elif defined(CONFIG_ARM64)
#define KUNIT_MM_SYSCALL_SYMBOL(name)	__arm64_sys_##name
#else
#error "How are system calls named here? See KUNIT_MM_LAYOUT in lib/kunit/Kconfig"
#endif

#define KUNIT_MM_DECLARE_SYSCALL(name) \
	asmlinkage long KUNIT_MM_SYSCALL_SYMBOL(name)(const struct pt_regs *regs)

KUNIT_MM_DECLARE_SYSCALL(brk);
KUNIT_MM_DECLARE_SYSCALL(ioctl);
KUNIT_MM_DECLARE_SYSCALL(madvise);
KUNIT_MM_DECLARE_SYSCALL(mlock);
KUNIT_MM_DECLARE_SYSCALL(mprotect);
KUNIT_MM_DECLARE_SYSCALL(mremap);
KUNIT_MM_DECLARE_SYSCALL(mseal);
KUNIT_MM_DECLARE_SYSCALL(munlock);
KUNIT_MM_DECLARE_SYSCALL(munmap);
KUNIT_MM_DECLARE_SYSCALL(pkey_mprotect);
KUNIT_MM_DECLARE_SYSCALL(remap_file_pages);
KUNIT_MM_DECLARE_SYSCALL(userfaultfd);

#define __kunit_mm_syscall(name, ...)					\
({									\
	const unsigned long __args[6] = { __VA_ARGS__ };		\
	struct pt_regs __regs = {};					\
									\
	syscall_set_arguments(current, &__regs, __args);		\
	KUNIT_MM_SYSCALL_SYMBOL(name)(&__regs);				\
})

#else

#define __kunit_mm_syscall(name, ...)	sys_##name(__VA_ARGS__)

#endif

/**
 * kunit_mm_syscall() - Make a memory management system call
 * @name: its name; one of those that are declared above
 * @...: all of its arguments, also if it has less than six
 *
 * Acts on the mm of the thread, see kunit_attach_mm().
 *
 * Context: a test's thread, no lock held.
 * Return: what user space would see in the register, as a long: a value, or an
 * error below 0.
 */
#define kunit_mm_syscall(name, ...)	__kunit_mm_syscall(name, __VA_ARGS__)

#endif /* _KUNIT_MM_SYSCALL_H */
