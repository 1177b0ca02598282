/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Class memprotect: permissions to seal mappings and to write to sealed
 * mappings.
 */
#ifndef _SELINUX_MEMPROTECT_H_
#define _SELINUX_MEMPROTECT_H_

#include <linux/forced_write.h>
#include <linux/types.h>

struct cred;
struct policydb;
struct vm_area_struct;

int selinux_mseal(struct vm_area_struct *vma, unsigned long start,
		  unsigned long end, unsigned long flags);
int selinux_vma_forced_write(struct vm_area_struct *vma, unsigned long start,
			     unsigned long end, enum forced_write_origin origin,
			     const struct cred *opener);
bool selinux_memprotect_unused(const struct policydb *pol, u16 tclass,
			       unsigned int nr);

#endif /* _SELINUX_MEMPROTECT_H_ */
