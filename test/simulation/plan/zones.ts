/** Time zones whose clocks nobody sets: hours ahead of UTC, all year round. */
export const offsetHours: Readonly<Record<string, number>> = { UTC: 0, 'Asia/Tokyo': 9, 'America/Bogota': -5 };
