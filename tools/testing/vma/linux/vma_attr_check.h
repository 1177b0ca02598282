/* SPDX-License-Identifier: GPL-2.0 */
/* The harness is not optimised, so that what is never called would be linked. */
#ifndef _LINUX_VMA_ATTR_CHECK_H
#define _LINUX_VMA_ATTR_CHECK_H

static inline bool vma_attr_check_asked(const void *mm, unsigned long start,
					unsigned long end, unsigned int op,
					bool permitted)
{
	return permitted;
}

#define vma_attr_check_range(...)	do { } while (0)
#define vma_attr_check_seal(...)	do { } while (0)
#define vma_attr_check_mm_init(...)	do { } while (0)

#endif /* _LINUX_VMA_ATTR_CHECK_H */
