// Times as files write them: ISO dates, Unix seconds and milliseconds, and the forms of some published data sets.

const DAY = 86_400_000;
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const CLOCK = '(\\d{1,2}):(\\d{2})(?::(\\d{2})(?:[.,](\\d{1,9}))?)?';
const ZONE = '\\s*(z|utc|gmt|[+-]\\d{2}(?::?\\d{2})?)?';
const ISO = new RegExp(`^(\\d{4})-?(\\d{2})-?(\\d{2})(?:(?:t|\\s+)${CLOCK}${ZONE}(?: utc)?)?$`, 'i');
const SLASHES = new RegExp(`^(\\d{1,4})[/.](\\d{1,2})[/.](\\d{2,4})(?:,?\\s+${CLOCK}\\s*([ap]m)?)?$`, 'i');
const ENGLISH = /^(?:\w{3} )?(\w{3}) (\d{1,2}) (\d{2}):(\d{2}):(\d{2}) ([+-]\d{4}) (\d{4})$/i;

/**
 * Milliseconds since 1970 in UTC; NaN for what is no time. A time without a zone is UTC.
 * Numbers are seconds up to 11 digits, then milliseconds, microseconds (from 15) and nanoseconds (from 18); eight
 * digits that are a date from 1900 to 2099 are one (20051231).
 * @param dates the order of day and month in dates with slashes, which are no times without it; 2010/12/31 needs none.
 */
export function parseTime(text: string, dates?: 'mdy' | 'dmy'): number {
  text = text.trim();
  const number = /^[+-]?(\d+)(?:\.(\d*))?(?:e\+?\d+)?$/i.exec(text);
  if (number && !/^(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$/.test(text)) {
    const value = Number(text);
    const digits = Math.trunc(Math.abs(value)).toString().length;
    if (digits <= 11) return Math.round(value * 1000);
    if (digits <= 14) return Math.round(value);
    return digits <= 17 ? Math.floor(value / 1e3) : digits <= 20 ? Math.floor(value / 1e6) : Number.NaN;
  }
  const iso = ISO.exec(text);
  if (iso) {
    const [, year, month, day, hour, minute, second, fraction, zone] = iso;
    return dateAt(+year, +month, +day) + clock(hour, minute, second, fraction) - zoneOf(zone);
  }
  const slashes = SLASHES.exec(text);
  if (slashes) {
    const [, a, b, c, hour, minute, second, fraction, half] = slashes;
    const yearFirst = a.length === 4;
    if (!yearFirst && (dates === undefined || a.length > 2)) return Number.NaN;
    const [year, month, day] = yearFirst ? [a, b, c] : dates === 'mdy' ? [c, a, b] : [c, b, a];
    const hours = half === undefined ? hour : String((+hour % 12) + (half.toLowerCase() === 'pm' ? 12 : 0));
    const full = year.length === 2 ? 2000 + +year - (+year >= 70 ? 100 : 0) : +year;
    return dateAt(full, +month, +day) + clock(hours, minute, second, fraction);
  }
  const english = ENGLISH.exec(text);
  if (english) {
    const [, month, day, hour, minute, second, zone, year] = english;
    return dateAt(+year, MONTHS.indexOf(month.toLowerCase()) + 1, +day) + clock(hour, minute, second) - zoneOf(zone);
  }
  return Number.NaN;
}

/** The time as `parseTime` reads it again: ISO in UTC, or Unix seconds outside the years 0 to 9999. */
export function formatTime(time: number): string {
  const iso = new Date(time).toISOString();
  return iso.length === 24 ? iso : String(time / 1000);
}

/**
 * Milliseconds of the day's start; NaN for a day that there is not. Proleptic Gregorian, by whole eras of 400 years.
 */
function dateAt(year: number, month: number, day: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const lengths = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= lengths[month - 1])) return Number.NaN;
  const y = month > 2 ? year : year - 1;
  const era = Math.floor(y / 400);
  const ofEra = y - era * 400;
  const ofYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return (era * 146_097 + ofEra * 365 + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) + ofYear - 719_468) * DAY;
}

function clock(hour = '0', minute = '0', second = '0', fraction = ''): number {
  if (+hour > 24 || +minute > 59 || +second > 60) return Number.NaN;
  return (+hour * 3600 + +minute * 60 + +second) * 1000 + Number(fraction.slice(0, 3).padEnd(3, '0'));
}

function zoneOf(zone: string | undefined): number {
  if (zone === undefined || !/^[+-]/.test(zone)) return 0;
  const minutes = +zone.slice(1, 3) * 60 + +(zone.replace(':', '').slice(3) || 0);
  return (zone[0] === '-' ? -1 : 1) * minutes * 60_000;
}
