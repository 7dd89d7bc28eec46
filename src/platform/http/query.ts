// Reads query strings as Python does: what is no valid escape stays as it is, and the rest is decoded all the same.
import { type ParsedUrlQuery, parse } from 'node:querystring'

/** Values by name; several of one name as a list. */
export const parseQuery = (text: string): ParsedUrlQuery => parse(text, '&', '=', { maxKeys: 0 })
