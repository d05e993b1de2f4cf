// What a MegaScript sees: `Run`, with the members that Infigo's published types name and no others.
// Evaluates to a function that sets up `Run` and returns another one, which tells how the run ended.
//
// The engine cannot call out while a time limit is set. So a question to the shop that has no answer yet
// ends the run; the simulator answers it and runs the script again from the start, with the answers so far.
(function (json) {
  "use strict";
  const input = JSON.parse(json);
  const SUSPENDED = new Error("waiting for the shop");
  let asked = 0;
  let pending = null;
  let response = null;

  const pinned = new Date(input.now).getTime();
  const RealDate = Date;
  globalThis.Date = class Date extends RealDate {
    constructor(...parts) {
      super(...(parts.length ? parts : [pinned]));
    }
    static now() {
      return pinned;
    }
  };
  let seed = 1;
  Math.random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;

  function ask(call, ...args) {
    if (pending) throw SUSPENDED;
    const answer = input.answers[asked];
    if (!answer) {
      pending = { call, args };
      throw SUSPENDED;
    }
    asked += 1;
    if (answer.call !== call) throw new Error("The script asked " + call + " where it asked " + answer.call + " before.");
    if (answer.error !== null) throw new Error(answer.error);
    if (answer.order) known.set(answer.order.Id, answer.order);
    return answer.value;
  }

  const known = new Map(input.known);

  function line(snapshot, refresh) {
    const it = { ...snapshot };
    it.Cancel = () => refresh(ask("OrderProductVariant.Cancel", it.OrderId, it.Id));
    it.SetStatus = (status, description) => refresh(ask("OrderProductVariant.SetStatus", it.OrderId, it.Id, status, description));
    it.GetLatestStatus = () => ask("OrderProductVariant.GetLatestStatus", it.OrderId, it.Id);
    return it;
  }

  function order(snapshot) {
    const it = {};
    const refresh = (value) => {
      const { OrderLineItems, CreatedOnUtc, ...plain } = known.get(snapshot.Id) || snapshot;
      Object.assign(it, plain, { CreatedOnUtc: new RealDate(CreatedOnUtc) });
      if (!it.OrderLineItems) it.OrderLineItems = OrderLineItems.map((each) => line(each, refresh));
      OrderLineItems.forEach((each, index) => Object.assign(it.OrderLineItems[index], each));
      return value;
    };
    const write = (name) => (...args) => refresh(ask("Order." + name, snapshot.Id, ...args));
    for (const name of ["Cancel", "SetStatus", "UpdateShippingStatus", "SetTrackingNumber", "AddOrderNotes", "SetExtraData"]) {
      it[name] = write(name);
    }
    refresh();
    return it;
  }

  function found(snapshot) {
    if (snapshot) known.set(snapshot.Id, snapshot);
    return snapshot ? order(snapshot) : null;
  }

  function search() {
    const filter = {};
    const set = (name) => (value) => {
      filter[name] = value instanceof RealDate ? value.toISOString() : value;
      return it;
    };
    const it = {
      WithOrderStatus: set("order_status"),
      WithShippingStatus: set("shipping_status"),
      Since: set("since"),
      Until: set("until"),
      FindAll: (page, size) => {
        const one = ask("Orders.FindAll", filter, page, size);
        return { ...one, List: one.List.map(found) };
      },
    };
    return it;
  }

  globalThis.Run = {
    Request: input.request,
    Response: {
      ReturnData(content, contentType, statusCode) {
        response = { content: String(content), contentType: String(contentType), status: statusCode ?? 200 };
      },
      ReturnText(text) {
        response = { content: String(text), contentType: "text/plain", status: 200 };
      },
    },
    Orders: {
      FindById: (id) => found(known.has(id) ? known.get(id) : ask("Orders.FindById", id)),
      FindByOrderProductVariantId: (id) => found(ask("Orders.FindByOrderProductVariantId", id)),
      StartSearch: search,
    },
    ExternalApi: {
      PostJson: (url, data) => ask("ExternalApi.PostJson", url, JSON.stringify(data)),
    },
  };

  return () => JSON.stringify({ pending, response });
});
