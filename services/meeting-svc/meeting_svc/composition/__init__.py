"""The composition of a government (机构和人员): rows, checks, changes, workbook."""
