// SPDX-License-Identifier: GPL-2.0-only
/// The seal bits of the VMA attribute lock are read and written in mm/vma_attr.c and
/// include/linux/vma_attr.h only. Other code passes the operation that it is about to
/// do to vma_attr_permits(): one table decides which seals refuse it. Nothing clears
/// a seal, not even the lock itself.
///
// Confidence: High
// Keywords: mseal, vma_attr
// Options: --no-includes --include-headers

virtual report
virtual org

@initialize:python@
@@

import os

TESTS = ("/tests/", "tools/testing/")
# The lock itself; the definitions; names for smaps and for trace events; tests.
ALLOWED = ("mm/vma_attr.c", "include/linux/vma_attr.h", "include/linux/mm.h",
           "fs/proc/task_mmu.c", "include/trace/events/mmflags.h") + TESTS

def among(path, parts):
    # coccicheck names files as seen from the directory that it checks.
    path = os.path.realpath(path)
    return any(part in path for part in parts)

@bit@
identifier seal =~ "^VMA?_SEAL(ED|_ANY|_MAP|_PROT|_DISCARD|_DISCARD_WEAK)(_BIT)?$";
position p : script:python() { not among(p[0].file, ALLOWED) };
@@

seal@p

@clear@
identifier f =~ "^(vm_flags_clear|vm_flags_reset(_once)?|vm_flags_mod|vm_flags_init|vma_clear_flags(_mask)?|vma_flags_clear(_mask|_word|_all)?|vma_flags_overwrite_word(_once)?|vma_flags_reset(_once)?)$";
expression v, E;
position p : script:python() { among(p[0].file, ("mm/vma_attr.c", "include/linux/vma_attr.h")) };
@@

(
f@p(...)
|
v->vm_flags@p = E
|
v->vm_flags@p &= E
|
v->flags@p = E
)

@script:python depends on report@
p << bit.p;
@@

coccilib.report.print_report(p[0], "seal bit used outside of the VMA attribute lock: ask vma_attr_permits()")

@script:python depends on report@
p << clear.p;
@@

coccilib.report.print_report(p[0], "flags of a VMA cleared in the VMA attribute lock: nothing clears a seal")

@script:python depends on org@
p << bit.p;
@@

coccilib.org.print_todo(p[0], "seal bit used outside of the VMA attribute lock")

@script:python depends on org@
p << clear.p;
@@

coccilib.org.print_todo(p[0], "flags of a VMA cleared in the VMA attribute lock")
