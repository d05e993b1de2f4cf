/*
 * Countermand's MegaScript: how Countermand reads and changes orders in an Infigo storefront.
 *
 * To install: make a MegaScript that is triggered via the API, paste this file into it, put your own
 * long random text in SECRET below, and give Countermand the script's address and the same text.
 *
 * One request is one JSON object {"action": "...", ...} in the body of a POST, with the secret in the
 * header X-Countermand-Secret. Every answer is JSON: {"ok": true, ...} or
 * {"ok": false, "error": {"code": "...", "message": "..."}}.
 *
 *   ping          {}                                      is the script there, and which version
 *   order.read    {orderId}
 *   orders.read   {orderIds: [...]}                       at most 100
 *   orders.list   {since, until?, orderStatus?, shippingStatus?, page?, size?}
 *   order.cancel  {orderId, notifyCustomer?, notifyMis?, note?, expect?}
 *   lines.cancel  {orderId, jobIds: [...], note?, expect?}
 *   order.ship    {orderId, shippingStatus, trackingNumber?, expect?}
 *   order.track   {orderId, trackingNumber, expect?}
 *   order.note    {orderId, note, displayToCustomer?}
 *
 * A write reads first, changes only what is not yet so, reads again, and answers with what it read:
 * {"ok": true, "result": "applied" | "already" | "refused", "reason": "...", "order": {...}}.
 * Asking twice is therefore safe. `expect` ({orderStatus?, shippingStatus?}) makes a write conditional:
 * if the order has moved on since the caller looked, it is refused and nothing is changed.
 *
 * Only documented members of Run, Order and OrderProductVariant are used, in plain ES5, because it is
 * not known which JavaScript version a storefront runs.
 */
(function () {
  "use strict";

  var SECRET = "PUT-YOUR-OWN-SECRET-HERE";

  var VERSION = 1;
  var MOST_IDS = 100;
  /* A page of a search may hold fewer orders than were asked for; that one holds fewer than this is a guess. */
  var LEAST_PAGE = 10;
  var MOST_BODY = 65536;
  var MOST_NOTE = 2000;
  /* Enough for the numbers of some hundred parcels; what Infigo itself keeps of them is read back. */
  var MOST_TRACKING = 10000;
  /* Whether anything may have been changed already: then no answer may say that nothing was. */
  var begun = false;
  var SHIPPED_RANK = { PartiallyShipped: 1, Shipped: 2, Delivered: 3 };

  /* ---- answering ---- */

  function reply(status, answer) {
    Run.Response.ReturnData(JSON.stringify(answer), "application/json", status);
  }

  function Problem(status, code, message) {
    this.status = status;
    this.code = code;
    this.message = message;
  }

  function bad(message) {
    return new Problem(400, "bad_request", message);
  }

  function messageOf(error) {
    return String((error && error.message) || error);
  }

  /* ---- the request ---- */

  function header(name) {
    var headers = Run.Request.Headers || {};
    for (var key in headers) {
      if (String(key).toLowerCase() === name) {
        return String(headers[key]);
      }
    }
    return "";
  }

  /* Looks at every character whatever it finds, so that the time taken does not give the secret away. */
  function sameText(given, wanted) {
    var difference = given.length ^ wanted.length;
    for (var i = 0; i < wanted.length; i++) {
      difference |= wanted.charCodeAt(i) ^ (i < given.length ? given.charCodeAt(i) : 0);
    }
    return difference === 0;
  }

  function checkSecret() {
    if (SECRET.indexOf("PUT-YOUR-OWN") === 0 || SECRET.length < 16) {
      throw new Problem(503, "not_configured", "Put a secret of at least 16 characters in this MegaScript first.");
    }
    if (!sameText(header("x-countermand-secret"), SECRET)) {
      throw new Problem(403, "forbidden", "The header X-Countermand-Secret does not hold this script's secret.");
    }
  }

  /* The body is JSON text; some callers get it as JSON text wrapped once more in a JSON string. */
  function readRequest() {
    var body = Run.Request.Body;
    if (typeof body !== "string" || body === "") {
      throw bad("The body is empty. Send a JSON object with an action.");
    }
    if (body.length > MOST_BODY) {
      throw bad("The body is longer than " + MOST_BODY + " characters.");
    }
    var request;
    try {
      request = JSON.parse(body.charCodeAt(0) === 0xfeff ? body.slice(1) : body);
      if (typeof request === "string") {
        request = JSON.parse(request);
      }
    } catch (error) {
      throw bad("The body is not JSON: " + messageOf(error));
    }
    if (request === null || typeof request !== "object" || isList(request)) {
      throw bad("The body is not a JSON object with an action.");
    }
    return request;
  }

  function isList(value) {
    return Object.prototype.toString.call(value) === "[object Array]";
  }

  function idFrom(value, name) {
    var id = typeof value === "string" && /^[0-9]+$/.test(value) ? Number(value) : value;
    if (typeof id !== "number" || !isFinite(id) || id < 1 || id > 9007199254740991 || Math.floor(id) !== id) {
      throw bad(name + " is not an order number.");
    }
    return id;
  }

  function listFrom(value, name) {
    if (!isList(value) || value.length < 1 || value.length > MOST_IDS) {
      throw bad(name + " is not a list of 1 to " + MOST_IDS + " entries.");
    }
    return value;
  }

  function textFrom(value, name, most, needed) {
    if (value === undefined || value === null || value === "") {
      if (needed) {
        throw bad(name + " is missing.");
      }
      return "";
    }
    if (typeof value !== "string" || value.length > most) {
      throw bad(name + " is not a text of at most " + most + " characters.");
    }
    return value;
  }

  function flagFrom(value, name) {
    if (value === undefined || value === null) {
      return false;
    }
    if (typeof value !== "boolean") {
      throw bad(name + " is not true or false.");
    }
    return value;
  }

  function numberFrom(value, name, least, most, otherwise) {
    if (value === undefined || value === null) {
      return otherwise;
    }
    if (typeof value !== "number" || Math.floor(value) !== value || value < least || value > most) {
      throw bad(name + " is not a whole number from " + least + " to " + most + ".");
    }
    return value;
  }

  function dateFrom(value, name) {
    var date = typeof value === "string" ? new Date(value) : null;
    if (date === null || isNaN(date.getTime())) {
      throw bad(name + " is not a date such as 2026-11-23T10:00:00Z.");
    }
    return date;
  }

  /* ---- reading ---- */

  function findOrder(id) {
    var order = Run.Orders.FindById(id);
    if (order === null || order === undefined) {
      throw new Problem(404, "not_found", "There is no order " + id + ".");
    }
    return order;
  }

  /*
   * A job id is a type letter and a number; whether JobId already carries the letter is not documented. Whether
   * every line has a job is not either: one without is known by its own number, as no job's id begins.
   */
  function jobIdOf(line) {
    var id = line.JobId ? String(line.JobId) : "";
    if (id === "" || id === "0") {
      return "opv" + line.Id;
    }
    return /^[A-Za-z]/.test(id) ? id : String(line.TypeLetter || "") + id;
  }

  function timeOf(value) {
    if (value === null || value === undefined) {
      return null;
    }
    return typeof value.toISOString === "function" ? value.toISOString() : String(value);
  }

  function describeLine(line) {
    return {
      jobId: jobIdOf(line),
      opvId: line.Id,
      quantity: line.Quantity,
      shippedQuantity: line.ShippedQuantity,
      isCancelled: line.IsCancelled === true,
      status: line.OrderProductStatus === undefined ? null : line.OrderProductStatus,
      typeLetter: line.TypeLetter,
      quoteId: line.Quote ? line.Quote.Id : null
    };
  }

  function linesOf(order) {
    return order.OrderLineItems || [];
  }

  function describe(order) {
    var lines = order.OrderLineItems;
    var listed = Boolean(lines) && typeof lines.length === "number";
    var answer = {
      id: order.Id,
      orderStatus: String(order.OrderStatus),
      shippingStatus: String(order.ShippingStatus),
      paymentStatus: String(order.PaymentStatus),
      trackingNumber: order.TrackingNumber || "",
      createdOnUtc: timeOf(order.CreatedOnUtc),
      lines: listed ? [] : null
    };
    for (var i = 0; listed && i < lines.length; i++) {
      answer.lines.push(describeLine(lines[i]));
    }
    var extra = order.ExtraData;
    if (extra && typeof extra.PurchaseOrderNumber === "string") {
      answer.purchaseOrderNumber = extra.PurchaseOrderNumber;
    }
    return answer;
  }

  /* ---- writing ---- */

  function outcome(result, orderId, reason) {
    var answer = { ok: true, result: result };
    if (reason) {
      answer.reason = reason;
    }
    answer.order = describe(findOrder(orderId));
    return answer;
  }

  /* Runs one vendor call. Returns "" or what went wrong; the read afterwards says what really happened. */
  function attempt(call) {
    begun = true;
    try {
      return call() === false ? "Infigo answered false." : "";
    } catch (error) {
      return messageOf(error);
    }
  }

  function movedOn(request, order) {
    var expect = request.expect;
    if (expect === undefined || expect === null) {
      return "";
    }
    if (typeof expect !== "object") {
      throw bad("expect is not an object.");
    }
    for (var key in expect) {
      if (key !== "orderStatus" && key !== "shippingStatus") {
        throw bad("expect knows orderStatus and shippingStatus, not " + key + ".");
      }
    }
    if (expect.orderStatus !== undefined && expect.orderStatus !== order.OrderStatus) {
      return "The order is " + order.OrderStatus + ", not " + expect.orderStatus + ".";
    }
    if (expect.shippingStatus !== undefined && expect.shippingStatus !== order.ShippingStatus) {
      return "The order is " + order.ShippingStatus + ", not " + expect.shippingStatus + ".";
    }
    return "";
  }

  function cancelOrder(request) {
    var id = idFrom(request.orderId, "orderId");
    var note = textFrom(request.note, "note", MOST_NOTE, false);
    var tellCustomer = flagFrom(request.notifyCustomer, "notifyCustomer");
    var tellMis = flagFrom(request.notifyMis, "notifyMis");
    var order = findOrder(id);
    if (order.OrderStatus === "Cancelled") {
      return outcome("already", id);
    }
    var moved = movedOn(request, order);
    if (moved) {
      return outcome("refused", id, moved);
    }
    var failure = attempt(function () {
      return order.Cancel(tellCustomer, tellMis);
    });
    var after = findOrder(id);
    if (after.OrderStatus !== "Cancelled") {
      return outcome("refused", id, failure || "Infigo did not cancel the order and did not say why.");
    }
    if (note) {
      attempt(function () {
        after.AddOrderNotes(note, false);
      });
    }
    return outcome("applied", id);
  }

  function pickLines(order, jobIds) {
    var wanted = [];
    for (var i = 0; i < jobIds.length; i++) {
      var line = lineWithJob(order, String(jobIds[i]).toLowerCase());
      if (line === null) {
        throw new Problem(404, "not_found", "Order " + order.Id + " has no line " + jobIds[i] + ".");
      }
      if (wanted.indexOf(line) < 0) {
        wanted.push(line);
      }
    }
    return wanted;
  }

  /* REST may give a job id without its letter; the number alone will do where only one line has it. */
  function lineWithJob(order, jobId) {
    var lines = linesOf(order);
    var numbered = [];
    for (var i = 0; i < lines.length; i++) {
      var own = jobIdOf(lines[i]).toLowerCase();
      if (own === jobId) {
        return lines[i];
      }
      if (own.replace(/^[a-z]/, "") === jobId) {
        numbered.push(lines[i]);
      }
    }
    return numbered.length === 1 ? numbered[0] : null;
  }

  function cancelLines(request) {
    var id = idFrom(request.orderId, "orderId");
    var jobIds = listFrom(request.jobIds, "jobIds");
    var note = textFrom(request.note, "note", MOST_NOTE, false);
    var order = findOrder(id);
    var wanted = pickLines(order, jobIds);
    var open = wanted.filter(function (line) {
      return line.IsCancelled !== true;
    });
    if (order.OrderStatus === "Cancelled") {
      return outcome("already", id, "The whole order is cancelled.");
    }
    if (open.length === 0) {
      return outcome("already", id);
    }
    var moved = movedOn(request, order);
    if (moved) {
      return outcome("refused", id, moved);
    }
    var failure = "";
    open.forEach(function (line) {
      failure = attempt(function () {
        return line.Cancel();
      }) || failure;
    });
    var after = findOrder(id);
    var left = pickLines(after, jobIds).filter(function (line) {
      return line.IsCancelled !== true;
    });
    if (left.length > 0) {
      return outcome("refused", id, failure || "Infigo did not cancel line " + jobIdOf(left[0]) + " and did not say why.");
    }
    if (note) {
      attempt(function () {
        after.AddOrderNotes(note, false);
      });
    }
    return outcome("applied", id);
  }

  /* A piece that could be a whole tracking number on its own: long enough, and with a digit in it. */
  var WHOLE_NUMBER = /^(?=.*[0-9])[\w\-]{8,}$/;

  /*
   * An order has one tracking text for all its parcels: numbers are added to it, never written over. It is taken
   * apart as Countermand does it: a person may have written it with semicolons or line breaks, and blanks part
   * numbers only where every piece could be one, since some carriers print theirs in groups.
   */
  function joinTracking(present, added) {
    var numbers = [];
    (String(present || "") + "," + added).split(/[,;\r\n\t]+/).forEach(function (piece) {
      var parts = piece.split(/\s+/).filter(function (part) {
        return part !== "";
      });
      var whole = parts.every(function (part) {
        return WHOLE_NUMBER.test(part);
      });
      (whole ? parts : [parts.join(" ")]).forEach(function (number) {
        if (number && numbers.indexOf(number) < 0) {
          numbers.push(number);
        }
      });
    });
    return numbers.join(", ");
  }

  function hasTracking(order, added) {
    return joinTracking(order.TrackingNumber, added) === joinTracking(order.TrackingNumber, "");
  }

  function addTracking(order, added) {
    return attempt(function () {
      return order.SetTrackingNumber(joinTracking(order.TrackingNumber, added));
    });
  }

  function shippedAsFarAs(order, status) {
    return (SHIPPED_RANK[order.ShippingStatus] || 0) >= SHIPPED_RANK[status];
  }

  function shipOrder(request) {
    var id = idFrom(request.orderId, "orderId");
    var status = request.shippingStatus;
    if (status !== "Shipped" && status !== "PartiallyShipped") {
      throw bad("shippingStatus is not Shipped or PartiallyShipped.");
    }
    var added = textFrom(request.trackingNumber, "trackingNumber", MOST_TRACKING, false);
    var order = findOrder(id);
    if (shippedAsFarAs(order, status) && hasTracking(order, added)) {
      return outcome("already", id);
    }
    var moved = movedOn(request, order);
    if (order.OrderStatus === "Cancelled") {
      moved = "The order is cancelled; a cancelled order is never marked shipped from here.";
    }
    if (moved) {
      return outcome("refused", id, moved);
    }
    /* Tracking first: the storefront's "shipped" mail carries it. */
    var failure = hasTracking(order, added) ? "" : addTracking(order, added);
    if (!shippedAsFarAs(order, status)) {
      failure = attempt(function () {
        return order.UpdateShippingStatus(status);
      }) || failure;
    }
    var after = findOrder(id);
    if (!shippedAsFarAs(after, status)) {
      return outcome("refused", id, failure || "Infigo left the order " + after.ShippingStatus + " and did not say why.");
    }
    if (!hasTracking(after, added)) {
      return outcome("refused", id, failure || "Infigo did not keep the tracking number and did not say why.");
    }
    return outcome("applied", id);
  }

  function trackOrder(request) {
    var id = idFrom(request.orderId, "orderId");
    var added = textFrom(request.trackingNumber, "trackingNumber", MOST_TRACKING, true);
    var order = findOrder(id);
    if (hasTracking(order, added)) {
      return outcome("already", id);
    }
    var moved = movedOn(request, order);
    if (moved) {
      return outcome("refused", id, moved);
    }
    var failure = addTracking(order, added);
    if (!hasTracking(findOrder(id), added)) {
      return outcome("refused", id, failure || "Infigo did not keep the tracking number and did not say why.");
    }
    return outcome("applied", id);
  }

  /* What an entry of OrderNotes looks like is not documented: a text, or an object with the text in it. */
  function holdsNote(order, note) {
    var notes = order.OrderNotes || [];
    for (var i = 0; i < notes.length; i++) {
      if (notes[i] === note) {
        return true;
      }
      if (notes[i] !== null && typeof notes[i] === "object") {
        for (var key in notes[i]) {
          if (notes[i][key] === note) {
            return true;
          }
        }
      }
    }
    return false;
  }

  function noteOrder(request) {
    var id = idFrom(request.orderId, "orderId");
    var note = textFrom(request.note, "note", MOST_NOTE, true);
    var shown = flagFrom(request.displayToCustomer, "displayToCustomer");
    var order = findOrder(id);
    if (holdsNote(order, note)) {
      return outcome("already", id);
    }
    var failure = attempt(function () {
      return order.AddOrderNotes(note, shown);
    });
    if (!holdsNote(findOrder(id), note)) {
      return outcome("refused", id, failure || "Infigo did not keep the note and did not say why.");
    }
    return outcome("applied", id);
  }

  /* ---- the actions ---- */

  function readOrders(request) {
    var ids = listFrom(request.orderIds, "orderIds");
    var answer = { ok: true, orders: [], missing: [] };
    for (var i = 0; i < ids.length; i++) {
      var id = idFrom(ids[i], "orderIds");
      var order = Run.Orders.FindById(id);
      if (order === null || order === undefined) {
        answer.missing.push(id);
      } else {
        answer.orders.push(describe(order));
      }
    }
    return answer;
  }

  /* A search answers with a page that holds its orders as `List`; what holds none must not look like no orders. */
  function listOf(page) {
    var list = page && page.List ? page.List : page;
    if (!list || typeof list.length !== "number") {
      throw new Error("Infigo's search did not answer with a list of orders.");
    }
    return list;
  }

  /* A search may leave out what it was not asked to load, and every order has lines: then it is read by its number. */
  function withLines(order) {
    return linesOf(order).length > 0 ? order : Run.Orders.FindById(order.Id) || order;
  }

  function listOrders(request) {
    var page = numberFrom(request.page, "page", 0, 1000000, 0);
    var size = numberFrom(request.size, "size", 1, MOST_IDS, MOST_IDS);
    var search = Run.Orders.StartSearch().Since(dateFrom(request.since, "since"));
    if (request.until !== undefined && request.until !== null) {
      search = search.Until(dateFrom(request.until, "until"));
    }
    if (request.orderStatus) {
      search = search.WithOrderStatus(textFrom(request.orderStatus, "orderStatus", 50, true));
    }
    if (request.shippingStatus) {
      search = search.WithShippingStatus(textFrom(request.shippingStatus, "shippingStatus", 50, true));
    }
    /* Pages of a request count from 0, those of a search from 1. */
    var found = listOf(search.FindAll(page + 1, size));
    var more = found.length >= Math.min(size, LEAST_PAGE);
    var answer = { ok: true, page: page, size: size, more: more, orders: [] };
    for (var i = 0; i < found.length; i++) {
      answer.orders.push(describe(withLines(found[i])));
    }
    return answer;
  }

  var ACTIONS = {
    "ping": function () {
      return { ok: true, script: "countermand", version: VERSION };
    },
    "order.read": function (request) {
      return { ok: true, order: describe(findOrder(idFrom(request.orderId, "orderId"))) };
    },
    "orders.read": readOrders,
    "orders.list": listOrders,
    "order.cancel": cancelOrder,
    "lines.cancel": cancelLines,
    "order.ship": shipOrder,
    "order.track": trackOrder,
    "order.note": noteOrder
  };

  function run() {
    checkSecret();
    var request = readRequest();
    var action = request.action;
    if (typeof action !== "string" || !Object.prototype.hasOwnProperty.call(ACTIONS, action)) {
      throw new Problem(400, "unknown_action", "Unknown action " + JSON.stringify(action === undefined ? null : action) +
        ". Known: " + Object.keys(ACTIONS).join(", ") + ".");
    }
    return ACTIONS[action](request);
  }

  try {
    reply(200, run());
  } catch (error) {
    if (error instanceof Problem && !begun) {
      reply(error.status, { ok: false, error: { code: error.code, message: error.message } });
    } else {
      reply(500, { ok: false, error: { code: "script_error", message: messageOf(error) } });
    }
  }
})();
