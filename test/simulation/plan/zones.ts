/** Time zones without daylight saving time, in hours ahead of UTC. */
export const offsetHours: Readonly<Record<string, number>> = { UTC: 0, 'Asia/Tokyo': 9, 'America/Bogota': -5 };
