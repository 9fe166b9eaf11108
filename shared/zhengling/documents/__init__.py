"""What is written for people: GB/T 9704, minutes, iCalendar, Excel."""
