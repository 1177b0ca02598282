// SPDX-License-Identifier: GPL-2.0-only
/// The bits of the VMA attribute lock are read and written in mm/vma_attr.c and
/// include/linux/vma_attr.h only. Elsewhere, say what is about to be done and ask
/// vma_attr_permits(): which lock stands in the way of it is decided in one table.
///
// Confidence: High
// Keywords: mseal, vma_attr
// Options: --no-includes --include-headers

virtual report
virtual org

@initialize:python@
@@

import os

# The lock itself; the definitions; names for smaps and for trace events; tests.
ALLOWED = ("mm/vma_attr.c", "include/linux/vma_attr.h", "include/linux/mm.h",
           "fs/proc/task_mmu.c", "include/trace/events/mmflags.h",
           "/tests/", "tools/testing/")

def allowed(path):
    # coccicheck names files as seen from the directory that it checks.
    path = os.path.realpath(path)
    return any(part in path for part in ALLOWED)

@bit@
position p : script:python() { not allowed(p[0].file) };
@@

(
VM_SEALED@p
|
VM_SEAL_ANY@p
|
VM_SEAL_MAP@p
|
VM_SEAL_PROT@p
|
VM_SEAL_DISCARD_RO@p
|
VM_SEAL_DISCARD@p
|
VMA_SEAL_MAP_BIT@p
|
VMA_SEAL_PROT_BIT@p
|
VMA_SEAL_DISCARD_RO_BIT@p
|
VMA_SEAL_DISCARD_BIT@p
)

@script:python depends on report@
p << bit.p;
@@

coccilib.report.print_report(p[0], "bit of the VMA attribute lock used outside of it: ask vma_attr_permits()")

@script:python depends on org@
p << bit.p;
@@

coccilib.org.print_todo(p[0], "bit of the VMA attribute lock used outside of it")
