"""Document formats: DOCX by GB/T 9704, minutes, iCalendar, Excel."""
