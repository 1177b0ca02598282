/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Class memprotect: who may seal mappings, and who may write behind a seal.
 */
#ifndef _SELINUX_MEMPROTECT_H_
#define _SELINUX_MEMPROTECT_H_

#include <linux/forced_write.h>
#include <linux/types.h>

struct policydb;
struct vm_area_struct;

int selinux_mseal(struct vm_area_struct *vma, unsigned long start,
		  unsigned long end, unsigned long flags);
int selinux_vma_forced_write(struct vm_area_struct *vma, unsigned long start,
			     unsigned long end, enum forced_write_via via,
			     bool tracer);
bool selinux_memprotect_unused(const struct policydb *pol, u16 tclass,
			       unsigned int nr);

#endif /* _SELINUX_MEMPROTECT_H_ */
